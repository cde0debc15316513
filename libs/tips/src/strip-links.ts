import { lookAlike } from './confusables.js';
import { SPELT_DOMAINS, TOP_LEVEL_DOMAINS } from './top-level-domains.js';

const HOST = /[\p{L}\p{M}\p{N}.-]+/gu;
const ODD_DOTS = /[。．｡․]/g;
const BRACKETED_DOT = /[([{<]\s?(?:\.|dot|d0t|punkt|punto|point|точка)\s?[)\]}>]/giu;
const SPELT_DOT = /^(?:\.|dot|d0t)$/i;
const LABEL = /^[\p{L}\p{M}\p{N}][\p{L}\p{M}\p{N}-]*$/u;
const OPENING = '([{<"\'«„“';
const NUMBER = /^\d{1,3}$/;

/**
 * A text without addresses of the web: with a scheme, with `www.`, bare (`example.com/x`), as numbers, in punycode, with a spelt or bracketed dot.
 * What stands around them stays, but for signs that touch them. Linear in the length of the text. Never throws.
 */
export function stripLinks(text: string): string {
  const lines = text.split('\n').map(stripLine);
  return lines.filter((line) => line !== '').join('\n');
}

function stripLine(line: string): string {
  const words = line.replace(ODD_DOTS, '.').replace(BRACKETED_DOT, '.').split(/\s+/u);
  const spelt = new Set(speltLinks(words));
  const left = words.filter((_, index) => !spelt.has(index)).map(withoutLink);
  if (spelt.size === 0 && left.every((word, index) => word === words[index])) return line;
  return left.filter((word) => word !== '').join(' ');
}

/** Places of words that together spell an address: `example dot com`, `example . com`, `example .com`, `example. com`. */
function* speltLinks(words: readonly string[]): Generator<number> {
  for (const [index, word] of words.entries()) {
    const [before = '', after = ''] = [words[index - 1], words[index + 1]];
    if (SPELT_DOT.test(word) && LABEL.test(before) && isSpelt(after)) yield* [index - 1, index, index + 1];
    else if (word.startsWith('.') && LABEL.test(before) && isSpelt(word.slice(1))) yield* [index - 1, index];
    else if (word.endsWith('.') && LABEL.test(word.slice(0, -1)) && isSpelt(after)) yield* [index, index + 1];
  }
}

/** Is it the end of an address, with or without a path behind? */
function isSpelt(word: string): boolean {
  return SPELT_DOMAINS.has(folded(/^[^/:?#.,!)]*/.exec(word)?.[0] ?? ''));
}

/** The word up to where an address in it begins. */
function withoutLink(word: string): string {
  const text = word.normalize('NFKC');
  const scheme = text.indexOf('://');
  if (scheme >= 0) return text.slice(0, startOfScheme(text, scheme));
  if (isNumberedHost(text)) return '';
  for (const { 0: run, index } of text.matchAll(HOST)) {
    if (isHost(run)) return text.slice(0, startOfOpening(text, startOfAccount(text, index)));
  }
  return word;
}

function startOfScheme(text: string, end: number): number {
  let start = end;
  while (start > 0 && /[a-z0-9+.-]/i.test(text[start - 1] ?? '')) start -= 1;
  return start;
}

/** `someone@example.com` goes as a whole. */
function startOfAccount(text: string, host: number): number {
  if (text[host - 1] !== '@') return host;
  let start = host - 1;
  while (start > 0 && /[\p{L}\p{N}._%+-]/u.test(text[start - 1] ?? '')) start -= 1;
  return start;
}

/** Brackets and quotes that were opened for the address go with it. */
function startOfOpening(text: string, end: number): number {
  let start = end;
  while (start > 0 && OPENING.includes(text[start - 1] ?? ' ')) start -= 1;
  return start;
}

/** IPv6 as people write it into an address, or bare. */
function isNumberedHost(text: string): boolean {
  const inner = /^\[([0-9a-f:.]{2,45})\]/i.exec(text)?.[1] ?? text;
  return (
    /^[0-9a-f:]{2,39}$/i.test(inner) && (inner.includes('::') ? /[0-9a-f]/i.test(inner) && inner.length > 4 : inner.split(':').length === 8)
  );
}

function isHost(run: string): boolean {
  const labels = run.split('.').filter((label) => label !== '');
  if (labels.length < 2) return false;
  if (labels[0]?.toLowerCase() === 'www') return true;
  return labels.some((label, index) => {
    const name = label.toLowerCase();
    if (name.startsWith('xn--')) return true;
    if (index >= 3 && labels.slice(index - 3, index + 1).every((part) => NUMBER.test(part) && Number(part) <= 255)) return true;
    return index > 0 && TOP_LEVEL_DOMAINS.has(folded(name));
  });
}

/** An ending in look-alikes reads the same on a screen. */
function folded(label: string): string {
  const lower = label.toLowerCase();
  return TOP_LEVEL_DOMAINS.has(lower) ? lower : Array.from(lower.normalize('NFKD').replace(/\p{M}/gu, ''), lookAlike).join('');
}
