import { foldText, READINGS, type FoldedWord } from './fold-text.js';

/** One place of the tree: what follows it, and the entries that end here. */
interface Place {
  readonly next: Map<string, Place>;
  readonly ends: End[];
}

interface End {
  /** How often each letter must stand in a row at least, over all words of the entry. */
  readonly times: readonly number[];
  readonly isPrefix: boolean;
  readonly letters: number;
}

const BLANK = ' ';
/** Shorter words are found in a series of single letters only when they are all of it: `u s a` holds no `us`. */
const LEAST_SPELLED = 3;

/** Does an entry hold anything to look for? Signs and pictures alone do not count as words. */
export function isBlockable(entry: string): boolean {
  return foldText(entry, 'plain').words.length > 0;
}

const place = (): Place => ({ next: new Map(), ends: [] });

/**
 * A creator's words as a tree, so that a text is walked once however many there are: from each word on at most as far as the longest
 * entry. No regular expression of a user is ever run.
 */
export class BlockList {
  private readonly root = place();
  private steps = 0;

  constructor(entries: readonly string[]) {
    // An entry is read as it may be written, too: `l33t` in the list stands for `leet` as well.
    for (const entry of entries) for (const reading of READINGS) this.add(foldText(entry, reading).words, entry.trimEnd().endsWith('*'));
  }

  /** Does the text hold one of the entries, however it is written? */
  holdsOf(text: string): boolean {
    return READINGS.some((reading) => {
      const { words, joined, spelled } = foldText(text, reading);
      return (
        words.some((_, index) => this.begins(words, index)) ||
        joined.some((word) => this.begins([word], 0)) ||
        spelled.some((series) => this.isSpelledIn(series))
      );
    });
  }

  get isEmpty(): boolean {
    return this.root.next.size === 0;
  }

  /** Steps taken in the tree so far: what a test holds against the length of a text. */
  get work(): number {
    return this.steps;
  }

  private add(words: readonly FoldedWord[], isPrefix: boolean): void {
    if (words.length === 0) return;
    let at = this.root;
    for (const [index, word] of words.entries()) {
      if (index > 0) at = follow(at, BLANK);
      for (const { char } of word) at = follow(at, char);
    }
    const times = words.flat().map((stretch) => stretch.times);
    const key = `${times.join()} ${String(isPrefix)}`;
    if (at.ends.some((end) => `${end.times.join()} ${String(end.isPrefix)}` === key)) return;
    at.ends.push({ times, isPrefix, letters: times.reduce((sum, n) => sum + n, 0) });
  }

  /** Does an entry begin with this word, and stand there whole? */
  private begins(words: readonly FoldedWord[], first: number): boolean {
    const times: number[] = [];
    let at: Place | undefined = this.root;
    for (let index = first; index < words.length; index += 1) {
      if (index > first) at = this.step(at, BLANK);
      const word = words[index] ?? [];
      for (const [nth, { char, times: often }] of word.entries()) {
        at = this.step(at, char);
        if (at === undefined) return false;
        times.push(often);
        if (isEnd(at, times, nth === word.length - 1)) return true;
      }
    }
    return false;
  }

  /** Every letter of a series may begin an entry and end one. */
  private isSpelledIn(series: FoldedWord): boolean {
    for (let first = 0; first < series.length; first += 1) {
      const times: number[] = [];
      let at: Place | undefined = this.root;
      for (let index = first; index < series.length && at !== undefined; index += 1) {
        const { char, times: often } = series[index] ?? { char: '', times: 0 };
        at = this.step(at, char);
        times.push(often);
        const isAll = first === 0 && index === series.length - 1;
        if (at !== undefined && isEnd(at, times, true, isAll ? 1 : LEAST_SPELLED)) return true;
      }
    }
    return false;
  }

  private step(at: Place | undefined, char: string): Place | undefined {
    this.steps += 1;
    return at?.next.get(char);
  }
}

function isEnd({ ends }: Place, times: readonly number[], isWhole: boolean, least = 1): boolean {
  return ends.some(
    (end) => (isWhole || end.isPrefix) && end.letters >= least && end.times.every((needed, index) => needed <= (times[index] ?? 0)),
  );
}

function follow(at: Place, char: string): Place {
  const known = at.next.get(char);
  if (known !== undefined) return known;
  const fresh = place();
  at.next.set(char, fresh);
  return fresh;
}
