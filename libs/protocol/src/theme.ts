import { ANCHORS, ANIMATIONS, DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import * as z from 'zod/mini';

/*
 * The look of an overlay as its page wears it, taken from the overlay's config. Every field has a default and is read by itself, so that a
 * page shows an alert whatever an older or newer server wrote; what is stored was checked whole by `OverlayConfigDocument`.
 */
const share = (least: number, most: number) => z.number().check(z.gte(least), z.lte(most));
const colour = z.string().check(z.regex(/^#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i));

export const VARIABLES = ['name', 'amount', 'symbol', 'message'] as const;

/** Only variables that exist, so that a typo is found when a theme is saved and never on stream. */
const template = z.string().check(
  z.maxLength(120),
  z.refine((text) => [...text.matchAll(/\{(\w*)\}/g)].every(([, name]) => VARIABLES.some((known) => known === name)), 'unknown variable'),
);

const style = {
  /** Milliseconds on the screen, the animations included. */
  durationMs: share(2000, 30_000),
  enter: z.enum(ANIMATIONS),
  exit: z.enum(ANIMATIONS),
  /** What stands beside the name: `tipped`, or any text with `{name}`, `{amount}`, `{symbol}` or `{message}` in it. */
  action: template,
  /** The whole headline instead of the name and the action. */
  template: z.optional(z.string().check(z.minLength(1), z.maxLength(480))),
  accent: colour,
  /** 0 is silent. */
  volume: share(0, 1),
};

/** From `min` of `symbol` on an alert looks (and waits) differently; the last tier that fits wins. */
export const Tier = z.object({
  symbol: z.string().check(z.maxLength(16)),
  /** Whole units, as a decimal: `0.05`. */
  min: z.string().check(z.regex(/^\d{1,60}(?:\.\d{1,60})?$/)),
  /** Before all others that wait, and never folded into a card with them. */
  jump: z.optional(z.boolean()),
  style: z.optional(z.partial(z.object(style))),
});

export const Theme = z.object({
  ...style,
  anchor: z.enum(ANCHORS),
  /** Of the source's shorter side, and of its width. */
  marginPct: share(0, 25),
  maxWidthPct: share(10, 100),
  scale: share(0.1, 15),
  /** `reduced`: fades only; `none`: no movement at all. The viewers' own wish cannot reach a video, so the creator decides. */
  motion: z.enum(['full', 'reduced', 'none']),
  font: z.string().check(z.regex(/^[\w ,'"-]{1,120}$/)),
  ink: colour,
  card: colour,
  radius: share(0, 4),
  showMessage: z.boolean(),
  /** The small dot after thirty seconds without a link. */
  linkDot: z.boolean(),
  tiers: z.array(Tier).check(z.maxLength(20)),
  /** While true alerts wait. The server's word over what the page remembers. */
  paused: z.optional(z.boolean()),
  /** Seconds after which the page lets go of its connection while OBS does not show it. Absent: never. */
  restAfterSec: z.optional(share(1, 3600)),
  muted: z.optional(z.boolean()),
});
export type Theme = z.infer<typeof Theme>;
export type Tier = z.infer<typeof Tier>;

export const DEFAULT_THEME: Theme = {
  durationMs: 8000,
  enter: 'slide-down',
  exit: 'fade',
  action: 'tipped',
  accent: '#2dd4bf',
  volume: 0.5,
  anchor: 'top-center',
  marginPct: 4,
  maxWidthPct: 60,
  scale: 1,
  motion: 'full',
  font: "Inter, 'Segoe UI', system-ui, sans-serif",
  ink: '#f8fafc',
  card: '#0b1220ed',
  radius: 1.4,
  showMessage: true,
  linkDot: true,
  tiers: [],
};

/** Field by field: what does not fit is as if it were not there. Never throws. */
export function readTheme(config: Readonly<Record<string, unknown>>): Theme {
  const given: Readonly<Record<string, unknown>> = { ...config, ...worn(config) };
  const read = Object.entries(Theme.shape).flatMap(([field, schema]) => {
    const parsed = schema.safeParse(given[field]);
    return parsed.success && parsed.data !== undefined ? [[field, parsed.data]] : [];
  });
  return Theme.parse({ ...DEFAULT_THEME, ...Object.fromEntries(read) });
}

/** Where an overlay's config has what a theme calls by one name. */
const PLACES = {
  durationMs: ['defaults', 'durationMs'],
  enter: ['defaults', 'enter'],
  exit: ['defaults', 'exit'],
  template: ['defaults', 'template'],
  accent: ['defaults', 'font', 'accent'],
  ink: ['defaults', 'font', 'color'],
  card: ['defaults', 'card', 'background'],
  volume: ['defaults', 'sound', 'volume'],
  showMessage: ['defaults', 'show', 'message'],
  anchor: ['canvas', 'anchor'],
  marginPct: ['canvas', 'marginPct'],
  maxWidthPct: ['canvas', 'maxWidthPct'],
  scale: ['canvas', 'scale'],
} as const;
/** Letters of the headline are drawn at this size at scale 1, and an em of the card is as long, at 1080 lines. */
const HEADLINE_PX = 36;
const EM_PX = 24;

function worn(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const at = (...path: readonly string[]): unknown => path.reduce(within, config);
  const found = Object.entries(PLACES).flatMap(([field, path]) => (at(...path) === undefined ? [] : [[field, at(...path)] as const]));
  const [family, size, scale] = [at('defaults', 'font', 'family'), at('defaults', 'font', 'sizePx'), at('canvas', 'scale') ?? 1];
  const radius = at('defaults', 'card', 'radiusPx');
  // What every overlay begins with is the page's own layout, which sets the name and the amount apart.
  const isOwnLayout = at('defaults', 'template') === DEFAULT_OVERLAY_CONFIG.defaults.template;
  return {
    ...Object.fromEntries(found),
    ...(isOwnLayout && { template: undefined }),
    ...(typeof radius === 'number' && { radius: radius / EM_PX }),
    ...(at('defaults', 'sound') === null && { volume: 0 }),
    ...(at('moderation', 'showMessages') === false && { showMessage: false }),
    ...(typeof family === 'string' && { font: `'${family}', ${DEFAULT_THEME.font}` }),
    ...(typeof size === 'number' && typeof scale === 'number' && { scale: (scale * size) / HEADLINE_PX }),
  };
}

function within(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}
