/** Scripts whose letters stand side by side from left to right whatever their neighbours are: the only ones that may be taken apart. */
const SEPARABLE =
  /^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{N}\p{P}\p{S}\p{M}\p{Zs}\p{Extended_Pictographic}\p{Emoji_Modifier}\u200d\ufe0f\n]*$/u;
/** Each letter is an element, so there is a bound. */
const MOST = 400;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * A text as pieces that may move by themselves: its letters, as readers count them. Where letters join, or run from right to left, the text is
 * one piece, since its meaning could change with its shape.
 */
export function piecesOf(text: string): readonly string[] {
  if (text.length > MOST * 4 || !SEPARABLE.test(text)) return [text];
  const pieces = Array.from(graphemes.segment(text), ({ segment }) => segment);
  return pieces.length > MOST ? [text] : pieces;
}

/** Longer words may break at the end of a line, so they are not held together. */
const WORD_MAX = 16;

/** Puts text into an alert's elements; with an effect in pieces that are counted through the whole alert. */
export class Letters {
  private count = 0;

  constructor(private readonly effect: 'none' | 'glow' | 'wave' | 'typewriter') {}

  /** How many pieces there are so far. */
  get pieces(): number {
    return this.count;
  }

  write(element: HTMLElement, text: string): void {
    if (this.effect === 'none' || this.effect === 'glow') element.textContent = text;
    else element.replaceChildren(...(this.effect === 'wave' ? this.words(text) : this.letters(piecesOf(text))));
  }

  /** Letters that are boxes of their own would let a line break in the midst of a word. */
  private words(text: string): Node[] {
    return text.split(/(\s+)/u).flatMap((word): Node[] => {
      if (word.trim() === '') return word === '' ? [] : [document.createTextNode(word)];
      const letters = this.letters(piecesOf(word));
      if (letters.length > WORD_MAX) return letters;
      const held = document.createElement('span');
      held.className = 'word';
      held.append(...letters);
      return [held];
    });
  }

  private letters(pieces: readonly string[]): HTMLElement[] {
    return pieces.map((text) => {
      const piece = document.createElement('span');
      piece.className = 'piece';
      piece.textContent = text;
      piece.style.setProperty('--n', String(this.count));
      this.count += 1;
      return piece;
    });
  }
}
