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

/**
 * Makes a stranger's text safe to store, log-free to compare and bounded to draw. Idempotent; never throws; never longer than its input
 * in graphemes. Lone surrogates become nothing. The cut at 4 × the grapheme limit before segmenting bounds the work on 10 KB of marks.
 */
export function cleanMessage(text: string): string {
  const lines = text
    .slice(0, 64 * 1024)
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

function cutGraphemes(text: string, max: number): string {
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
