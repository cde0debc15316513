import { describe, expect, it } from 'vitest';
import { patternsIn, productFiles, textOf, tracked, type Pattern } from './sources.js';

const LENGTH = 30_000;
/** A pattern that goes over a text once is done in less than a tenth of this; one that does so from each place on takes many times as long. */
const SOON_MS = 60;

/** Patterns that take their time with long texts, and why none ever gets one. */
const BOUNDED: ReadonlyMap<string, string> = new Map([
  [String.raw`^(.*?)\s*\{amount\} \{symbol\}$`, 'a template of a creator, at most 200 characters, on his own page'],
  ['0+$', 'digits of an amount, at most 78'],
  [String.raw`\B(?=(?:\d{3})+$)`, 'digits of an amount, at most 78'],
  [String.raw`Last reply: sunsubscribe,(.+),\d+$`, 'an error of the Redis client, about a reply of our own Redis'],
  [String.raw`response (is )?too (big|large)|too many logs|more than [\d,]+ logs|[\d,]+ logs returned`, 'RpcFailed holds 2000 characters'],
  [
    String.raw`query exceeds max results|logs matched by query exceeds|query returned more than|response size (should not|is) (be )?greater|response (is )?too (big|large)|backend response too large|too many logs|more than [\d,]+ logs|[\d,]+ logs returned`,
    'RpcFailed holds 2000 characters',
  ],
  [
    String.raw`rate.?limit|too many requests|request limit|exceeded.*(quota|capacity|compute units)|daily request count`,
    'RpcEndpoint looks at 2000 characters',
  ],
  [
    String.raw`missing trie node|historical state .*not available|state .*(is|was|been) pruned|pruned history|no state available|(world|historical) state (is )?unavailable|state (is )?not available|state histories haven't been fully indexed|archive`,
    'RpcFailed holds 2000 characters',
  ],
  [String.raw`\/*$`, 'the address of a gateway, from the page that the operator serves'],
  [String.raw`\/+$`, 'a setting of the operator'],
  [String.raw`\d+$`, 'an IPv4 address'],
  [String.raw`\b[a-z][a-z0-9+.-]*:\/\/\S+`, 'errorFields looks at 2000 characters'],
  [String.raw`^\s*(\d+)\s+(.*)$`, 'what ps prints, at the start of the quick start'],
]);

/** Texts made of what the pattern itself looks for, again and again, that end with what it does not. */
function* attacksOn({ source }: Pattern): Generator<string> {
  const words = source
    .replace(/\\[pPux]\{[^}]*\}|\\./g, ' ')
    .split(/[^A-Za-z0-9 ]+/)
    .filter((word) => word !== '');
  const signs = [
    '0',
    'a',
    'A',
    'é',
    ' ',
    '\t',
    '\n',
    '.',
    ',',
    '-',
    '_',
    '/',
    ':',
    '"',
    "'",
    '(',
    '{',
    '<',
    '+',
    '=',
    '@',
    '#',
    '\u0301',
    'a.',
    '0,',
    'a ',
    'a+',
  ];
  for (const piece of new Set([...signs, ...words, ...words.map((word) => `${word} `)])) {
    const text = piece.repeat(Math.ceil(LENGTH / piece.length));
    yield `${text}\0`;
    for (const word of words.slice(0, 2)) yield `${word}${text}\0`;
  }
}

function slowest(pattern: Pattern): number {
  let most = 0;
  for (const text of attacksOn(pattern)) {
    // The best of three where it is close: what else the machine does is no matter.
    let ms = Infinity;
    for (let turn = 0; turn < 3 && ms > SOON_MS && (turn === 0 || ms < 10 * SOON_MS); turn += 1) {
      const expression = new RegExp(pattern.source, pattern.flags);
      const begun = performance.now();
      text.replace(expression, '');
      ms = Math.min(ms, performance.now() - begun);
    }
    most = Math.max(most, ms);
    if (most > SOON_MS) break;
  }
  return most;
}

describe('regular expressions', () => {
  const patterns = patternsIn(productFiles('apps/*.ts', 'libs/*.ts'));

  it('take their time with no long text that a stranger could send', { timeout: 60_000 }, () => {
    expect(patterns.length).toBeGreaterThan(150);
    const slow = patterns.filter((pattern) => !BOUNDED.has(pattern.source) && slowest(pattern) > SOON_MS);
    expect(slow.map(({ file, source }) => `${file}: ${source}`)).toEqual([]);
  });

  it('are excepted only where they are', () => {
    expect([...BOUNDED.keys()].filter((source) => !patterns.some((pattern) => pattern.source === source))).toEqual([]);
  });

  it.each([String.raw`(a+)+b`, String.raw`\s+$`, String.raw`[(\["]+$`, String.raw`exceeded.*(quota|capacity)`])(
    'like %s would be noticed',
    { timeout: 30_000 },
    (source) => {
      // What is not only slow but never done is cut short: each sign more doubles it.
      const text = source.includes('+)+') ? 'a'.repeat(23) : undefined;
      const begun = performance.now();
      const ms = text === undefined ? slowest({ file: '', source, flags: '' }) : (new RegExp(source).test(text), performance.now() - begun);
      expect(ms).toBeGreaterThan(SOON_MS);
    },
  );
});

describe('the page', () => {
  it('has no way from a text to markup or to a script', () => {
    const SINKS =
      /\.(?:innerHTML|outerHTML|srcdoc)\s*\+?=[^=]|insertAdjacentHTML|document\.write|\beval\(|new Function\(|setHTML|DOMParser|createContextualFragment|javascript:|set(?:Timeout|Interval)\(\s*['"`]/;
    const files = productFiles('apps/overlay/src/*.ts', 'libs/client/src/*.ts');
    expect(files.length).toBeGreaterThan(40);
    expect(files.filter((file) => SINKS.test(textOf(file)))).toEqual([]);
    for (const bad of ['a.innerHTML = x', 'a.innerHTML += x', 'document.write(x)', 'eval(x)', "setTimeout('x')"])
      expect(bad).toMatch(SINKS);
  });
});

describe('the repository', () => {
  const files = tracked();

  it('holds no program that nobody can read', () => {
    const binaries = files.filter((file) => /\.(?:exe|dll|so|dylib|node|jar|class|wasm|o|a|pyc|bin|zip|gz|tgz|7z)$/i.test(file));
    expect(binaries).toEqual([]);
  });

  it('holds no secret that anything would take', () => {
    const SECRETS: readonly RegExp[] = [
      /\bAKIA[0-9A-Z]{16}\b/,
      /\bgh[pousr]_[A-Za-z0-9]{36}\b/,
      /\bxox[abprs]-[A-Za-z0-9-]{10,}/,
      /\bnpm_[A-Za-z0-9]{36}\b/,
      /\bdro_pat_[A-Za-z0-9_-]{43}\b/,
      /\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\./,
      /-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----/,
    ];
    // A key for servers on 127.0.0.1, which no browser and no program but those tests trusts.
    const KNOWN = new Set(['libs/webhooks/src/testing/certificate.ts']);
    const read = files.filter(
      (file) => /\.(?:ts|mjs|json|ya?ml|md|sh|conf|template|env|example)$|(?:^|\/)[^.]+$/.test(file) && !KNOWN.has(file),
    );
    expect(read.length).toBeGreaterThan(800);
    const found = read.filter((file) => {
      const text = textOf(file);
      return SECRETS.some((secret) => secret.test(text));
    });
    expect(found.filter((file) => file !== 'e2e/src/sources/sources.spec.ts')).toEqual([]);
  });

  it('says where holes are reported, and under which licence it is', () => {
    expect(textOf('SECURITY.md')).toMatch(/## Reporting a vulnerability/);
    expect(textOf('LICENSE')).toMatch(/^MIT License/);
  });
});
