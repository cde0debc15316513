import fc from 'fast-check';
import {
  ANCHORS,
  ANIMATIONS,
  CATCH_UP_MODES,
  COMPARISONS,
  INSTANCE_MODES,
  MOTIONS,
  QUEUE_POLICIES,
  TEXT_EFFECTS,
  TOP_PERIODS,
  WIDGETS,
} from '../overlay-config.js';
import { TEMPLATE_VARIABLES } from '../template.js';

const digit = fc.integer({ min: 0, max: 15 }).map((value) => value.toString(16));
const digits = (count: number) => fc.array(digit, { minLength: count, maxLength: count }).map((all) => all.join(''));
const colour = fc.oneof(...[3, 4, 6, 8].map((count) => digits(count).map((text) => `#${text}`)));
const template = fc
  .array(
    fc.oneof(
      fc.constantFrom(...TEMPLATE_VARIABLES.map((name) => `{${name}}`), '{{', '}}', ' tipped ', 'привет', '🎉'),
      fc.stringMatching(/^[a-z ]{0,8}$/),
    ),
    {
      maxLength: 6,
    },
  )
  .map((parts) => parts.join(''));
const border = fc.option(fc.record({ color: colour, widthPx: fc.double({ min: 0, max: 12, noNaN: true }) }));
const share = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const asset = (builtIn: string) =>
  fc.oneof(
    fc.constant(builtIn),
    digits(20).map((id) => `ast_${id}`),
  );

const font = {
  family: fc.constantFrom('Inter', 'Comic Neue', 'Noto Sans-Mono 2'),
  sizePx: fc.integer({ min: 12, max: 160 }),
  weight: fc.integer({ min: 1, max: 9 }).map((n) => n * 100),
  color: colour,
  accent: colour,
  outline: border,
};
const card = { background: colour, radiusPx: share(0, 80), border };
const show = { message: fc.boolean(), usd: fc.boolean(), chain: fc.boolean() };
const partly = { requiredKeys: [] };
const look = fc.record(
  {
    template,
    messageTemplate: template,
    durationMs: fc.integer({ min: 2000, max: 30_000 }),
    gapMs: fc.integer({ min: 0, max: 10_000 }),
    enter: fc.constantFrom(...ANIMATIONS),
    exit: fc.constantFrom(...ANIMATIONS),
    textEffect: fc.constantFrom(...TEXT_EFFECTS),
    font: fc.record(font, partly),
    card: fc.record(card, partly),
    show: fc.record(show, partly),
    image: fc.option(fc.record({ asset: asset('coin'), maxHeightPct: share(5, 80) })),
    sound: fc.option(fc.record({ asset: asset('chime'), volume: share(0, 1) })),
  },
  partly,
);

const chainId = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const token = digits(40).map((text) => `0x${text}`);
const raw = fc.bigInt({ min: 0n, max: 10n ** 78n - 1n }).map(String);
const op = fc.constantFrom(...COMPARISONS);
const condition = fc.oneof(
  fc.record({ field: fc.constant('amount'), chainId, token, op, raw }),
  fc.record({ field: fc.constant('usd'), op, value: fc.integer({ min: 0, max: 1e9 }).map((cents) => (cents / 100).toFixed(2)) }),
  fc.record({ field: fc.constant('hasMessage'), is: fc.boolean() }),
  fc.record({ field: fc.constant('chainId'), in: fc.array(chainId, { minLength: 1, maxLength: 3 }) }),
  fc.record({ field: fc.constant('token'), in: fc.array(fc.record({ chainId, token }), { minLength: 1, maxLength: 3 }) }),
);
const tiers = fc.uniqueArray(
  fc.record(
    {
      id: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,6}[a-z0-9]$/),
      name: fc.constantFrom('', 'Big tip', 'Über'),
      priority: fc.integer({ min: 0, max: 1000 }),
      when: fc.record({ all: fc.array(condition, { maxLength: 3 }) }, partly),
      override: look,
      queue: fc.constantFrom(...QUEUE_POLICIES),
    },
    { requiredKeys: ['id'] },
  ),
  { selector: ({ id }) => id, maxLength: 4 },
);

const dollars = fc.integer({ min: 1, max: 1e9 }).map((cents) => (cents / 100).toFixed(2));
const inToken = {
  unit: fc.constant('token'),
  chainId,
  token,
  symbol: fc.constantFrom('ETH', 'USD₮0', 'a.b-c_$'),
  decimals: fc.integer({ min: 0, max: 36 }),
};
const TOKEN_KEYS = ['unit', 'chainId', 'token', 'symbol', 'decimals'] as const;
const count = fc.integer({ min: 1, max: 20 });
const title = fc.constantFrom('', 'New chair', 'Ziel 🎉');
const since = fc.option(fc.constantFrom('2026-11-23T18:00:00Z', '2026-11-23T18:00:00.5+02:00'));
const goal = fc.oneof(
  fc.record({ unit: fc.constant('usd'), title, target: dollars, start: dollars, since }, { requiredKeys: ['unit'] }),
  fc.record(
    { ...inToken, title, target: raw.filter((text) => text !== '0'), start: raw, since },
    { requiredKeys: [...TOKEN_KEYS, 'target'] },
  ),
);
const period = fc.constantFrom(...TOP_PERIODS);
const top = fc.oneof(
  fc.record({ unit: fc.constant('usd'), title, count, period }, { requiredKeys: ['unit'] }),
  fc.record({ ...inToken, title, count, period }, { requiredKeys: [...TOKEN_KEYS] }),
);

/** Documents that the schema accepts: with much or little in them. */
export const anOverlayConfig = () =>
  fc.record(
    {
      schemaVersion: fc.constant(1),
      widget: fc.constantFrom(...WIDGETS),
      canvas: fc.record(
        { anchor: fc.constantFrom(...ANCHORS), marginPct: share(0, 25), maxWidthPct: share(10, 100), scale: share(0.5, 3) },
        partly,
      ),
      motion: fc.constantFrom(...MOTIONS),
      defaults: look,
      tiers,
      moderation: fc.record(
        {
          showMessages: fc.boolean(),
          maxMessageChars: fc.integer({ min: 0, max: 280 }),
          stripLinks: fc.boolean(),
          minToShowMessage: fc.array(fc.record({ chainId, token, raw }), { maxLength: 2 }),
        },
        partly,
      ),
      catchUp: fc.record(
        {
          mode: fc.constantFrom(...CATCH_UP_MODES),
          maxAgeSec: fc.integer({ min: 0, max: 86_400 }),
          maxAlerts: fc.integer({ min: 0, max: 100 }),
          onlyWhileLive: fc.boolean(),
        },
        partly,
      ),
      instances: fc.constantFrom(...INSTANCE_MODES),
      restAfterSec: fc.option(fc.integer({ min: 1, max: 3600 })),
      linkDot: fc.boolean(),
      goal,
      ticker: fc.record({ title, count, showAmounts: fc.boolean(), showMessages: fc.boolean() }, partly),
      top,
    },
    { requiredKeys: ['schemaVersion'] },
  );

/** What has hurt others, as values and as keys. */
export const hostileJson = () =>
  fc.oneof(
    fc.constantFrom<unknown>(
      '\ud800',
      '\u0000',
      '\u202e',
      '__proto__',
      '{__proto__}',
      '{',
      'NaN',
      '1e308',
      1e308,
      -1e308,
      -0,
      Number.NaN,
      Infinity,
      2 ** 53,
      '<script>',
      'https://evil.test/x.png',
      'url(x)',
      '9'.repeat(400),
      JSON.parse('{"__proto__":{"x":1}}'),
      JSON.parse('{"constructor":{"prototype":{}}}'),
    ),
    fc.jsonValue({ maxDepth: 2 }),
    fc.string({ unit: fc.constantFrom('{', '}', 'name', '\ud800', '\u0000', 'a') }),
  );
