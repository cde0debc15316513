import { lookAlike } from './confusables.js';

/** A letter and how often it stood in a row: `soo` is s once and o twice. */
export interface Stretch {
  readonly char: string;
  readonly times: number;
}

/** A word as the block list sees it: letters and digits of any script, look-alikes undone, runs gathered. */
export type FoldedWord = readonly Stretch[];

/** Words of a text, and the places where a word was taken apart to hide it. */
export interface FoldedText {
  readonly words: readonly FoldedWord[];
  /** Words whose parts stand between blanks with other signs in them (`fo-o`), put together. */
  readonly joined: readonly FoldedWord[];
  /** Single letters in a row (`f o o`, `f.o.o`), each series as one word. */
  readonly spelled: readonly FoldedWord[];
}

/** How digits and signs that stand for letters are read; a text is looked at in each way, since nobody knows which one is meant. */
export const READINGS = ['plain', 'one-is-i', 'one-is-l'] as const;
export type Reading = (typeof READINGS)[number];

const LEET: Readonly<Record<string, string>> = { '0': 'o', '3': 'e', '4': 'a', '5': 's', '7': 't', '@': 'a', $: 's' };
const INVISIBLE = /[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const LETTER = /\p{L}/u;
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;
const DIGIT = /^\d$/;
/** Between letters of one word in honest writing: `he'll` is not `hell`. */
const APOSTROPHES = "'’ʼ`´";

/**
 * Folds a text so that one spelling stands for many: compatibility forms, case, accents, invisible characters, look-alikes, repeated letters,
 * and words taken apart. Linear in the length of the text. Never throws.
 */
export function foldText(text: string, reading: Reading): FoldedText {
  const words: FoldedWord[] = [];
  const joined: FoldedWord[] = [];
  const spelled: FoldedWord[] = [];
  let series: FoldedWord[] = [];
  const endSeries = (): void => {
    if (series.length > 1) spelled.push(gather(series.flat()));
    series = [];
  };
  for (const chunk of bare(text, reading).split(/\s+/u)) {
    const { parts, isApart } = partsOf(chunk, reading);
    for (const part of parts) {
      words.push(part);
      if (part.length === 1) series.push(part);
      else endSeries();
    }
    if (isApart) joined.push(gather(parts.flat()));
  }
  endSeries();
  return { words, joined, spelled };
}

/** Lower case, without anything that cannot be seen. A capital I passes for a small l before case is lost. */
function bare(text: string, reading: Reading): string {
  const read = reading === 'one-is-l' ? text.replaceAll('I', 'l') : text;
  // To capitals and back undoes what has no capital of its own: ß, final sigma, ligatures.
  return read.normalize('NFKD').replace(INVISIBLE, '').toUpperCase().toLowerCase().normalize('NFKD').replace(INVISIBLE, '');
}

/** What of a text without blanks are words, and whether they may be one word that was taken apart. */
function partsOf(chunk: string, reading: Reading): { readonly parts: readonly FoldedWord[]; readonly isApart: boolean } {
  const chars = Array.from(chunk, lookAlike);
  const isSpelt = reading !== 'plain' && chars.some((char) => LETTER.test(char));
  const parts: FoldedWord[] = [];
  let part: string[] = [];
  let isHonest = false;
  const end = (): void => {
    const word = reading === 'plain' ? withoutOuterDigits(part) : part;
    if (word.length > 0) parts.push(gather(word.map((char) => ({ char, times: 1 }))));
    part = [];
  };
  for (const [index, char] of chars.entries()) {
    const letter = isSpelt ? spelt(char, reading, chars[index - 1], chars[index + 1]) : char;
    if (LETTER_OR_DIGIT.test(letter)) part.push(letter);
    else {
      if (APOSTROPHES.includes(char)) isHonest = true;
      end();
    }
  }
  end();
  return { parts, isApart: parts.length > 1 && !isHonest };
}

function spelt(char: string, reading: Reading, before = '', after = ''): string {
  if (char === '1' || char === '|') return reading === 'one-is-l' ? 'l' : 'i';
  if (char === '!') return LETTER_OR_DIGIT.test(before) && LETTER_OR_DIGIT.test(after) ? 'i' : char;
  return LEET[char] ?? char;
}

/** `foo123` is `foo`; what is all digits stays. */
function withoutOuterDigits(part: readonly string[]): readonly string[] {
  const first = part.findIndex((char) => !DIGIT.test(char));
  return first === -1 ? part : part.slice(first, part.findLastIndex((char) => !DIGIT.test(char)) + 1);
}

function gather(stretches: FoldedWord): FoldedWord {
  const gathered: Stretch[] = [];
  for (const { char, times } of stretches) {
    const last = gathered.at(-1);
    if (last?.char === char) gathered[gathered.length - 1] = { char, times: last.times + times };
    else gathered.push({ char, times });
  }
  return gathered;
}
