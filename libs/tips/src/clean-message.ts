/** Longest message that is shown, in grapheme clusters (what a reader calls a character). */
export const MESSAGE_MAX_GRAPHEMES = 280;
const MAX_MARKS_PER_BASE = 3;
const MAX_LINES = 4;

/*
 * Category Cc and Cf hold NUL (which Postgres text cannot store), bidi overrides that turn neighbouring text around, and invisible
 * characters that hide words from filters. ZWJ (U+200D) and VS16 stay: emoji need them. Newlines are handled apart.
 */
const UNSAFE = /(?!\u200D)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
const ORPHAN_JOINER = /(?<!\p{Extended_Pictographic}\uFE0F?\p{Emoji_Modifier}?)\u200D|\u200D(?!\p{Extended_Pictographic})/gu;
const MARK_FLOOD = new RegExp(`(\\p{M}{${String(MAX_MARKS_PER_BASE)}})\\p{M}+`, 'gu');

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** One rule's removal can make work for another (a mark left alone, a joiner); texts settle in two or three passes, tested to never need eight. */
const MAX_PASSES = 8;

/**
 * Makes a stranger's text safe to store and bounded to draw. Idempotent; never throws. Lone surrogates, controls and bidi overrides become
 * nothing. The first cut bounds the work on megabytes of call data.
 */
export function cleanMessage(text: string): string {
  let cleaned = text.slice(0, 64 * 1024);
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    const next = cleanOnce(cleaned);
    if (next === cleaned) break;
    cleaned = next;
  }
  return cleaned;
}

function cleanOnce(text: string): string {
  const lines = text
    .replace(/\r\n?|[\u2028\u2029\u0085]/g, '\n')
    .split('\n')
    .map(cleanLine)
    .filter((line) => line !== '');
  const kept = [...lines.slice(0, MAX_LINES - 1), lines.slice(MAX_LINES - 1).join(' ')].filter((line) => line !== '');
  return cutGraphemes(kept.join('\n'), MESSAGE_MAX_GRAPHEMES).trim();
}

/** The same cleaning for a one-line name. */
export function cleanName(text: string, maxGraphemes = 50): string {
  return cutGraphemes(cleanMessage(text).replaceAll('\n', ' '), maxGraphemes).trim();
}

function cleanLine(line: string): string {
  return line
    .replaceAll('\t', ' ')
    .replace(UNSAFE, '')
    .normalize('NFC')
    .replace(ORPHAN_JOINER, '')
    .replace(MARK_FLOOD, '$1')
    .replace(/^\p{M}+/u, '')
    .replace(/\s+/gu, ' ')
    .trim();
}

/** The first `max` of what a reader calls characters. */
export function cutGraphemes(text: string, max: number): string {
  if (text.length <= max) return text;
  let end = 0;
  let count = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    if (count === max) break;
    count += 1;
    end = index + segment.length;
  }
  return text.slice(0, end);
}
