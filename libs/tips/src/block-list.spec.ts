import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockList, isBlockable } from './block-list.js';

describe(BlockList.name, () => {
  const holds = (entry: string, text: string): boolean => new BlockList([entry]).holdsOf(text);

  it.each([
    ['case', 'FuDgE'],
    ['full width', 'ｆｕｄｇｅ'],
    ['mathematical letters', '𝖋𝖚𝖉𝖌𝖊'],
    ['letters in circles', 'ⓕⓤⓓⓖⓔ'],
    ['letters in dark squares', '🅵🆄🅳🅶🅴'],
    ['flags', '🇫🇺🇩🇬🇪'],
    ['accents', 'fúdgé'],
    ['piled marks', 'f̷u̴d̵g̶e̷'],
    ['Cyrillic look-alikes', 'fudgе'],
    ['Greek look-alikes', 'fυdge'],
    ['digits for letters', 'fudg3'],
    ['invisible characters', 'fu\u200bd\u00adg\u2060e'],
    ['repeated letters', 'fuuuuudgeee'],
    ['dots between', 'f.u.d.g.e'],
    ['blanks between', 'f u d g e'],
    ['stretched letters between blanks', 'ff uu dd gg e'],
    ['dashes in the middle', 'fu-dge'],
    ['asterisks', 'f*u*dge'],
    ['marks around', '>>fudge<<'],
    ['a mention', '@fudge'],
    ['digits behind', 'fudge123'],
    ['digits before', '4fudge'],
    ['a sentence', 'well, you fudge!'],
    ['spelling after a word', 'you are a f u d g e'],
  ])('finds a word in spite of %s', (_what, text) => {
    expect(holds('fudge', text)).toBe(true);
  });

  it.each([
    ['cunt', 'Scunthorpe'],
    ['ass', 'assassin, class, bass, embassy, pass-through'],
    ['tit', 'title, constitution'],
    ['sex', 'Essex, Sussex'],
    ['cock', 'cockpit, peacock'],
    ['anal', 'analysis'],
    ['hell', "he'll say hello"],
    ['hell', 'he’ll see'],
    ['ass', 'as good as gold'],
    ['ass', '455 thanks'],
    ['nigger', 'Niger'],
    ['us', 'U S A'],
    ['fudge', 'fud, ge, f u d'],
    ['kill yourself', 'kill them, yourself too'],
  ])('does not take %s out of “%s”', (entry, text) => {
    expect(holds(entry, text)).toBe(false);
  });

  it('takes the beginning of a word only where a * says so', () => {
    expect(holds('fud', 'fudged')).toBe(false);
    expect(holds('fud*', 'fudged')).toBe(true);
    expect(holds('fud*', 'unfudged')).toBe(false);
    expect(holds('fud*', 'f u d g e d')).toBe(true);
  });

  it.each(['kill yourself', 'KILL   YOURSELF!', 'k1ll y0urself', 'kill-yourself', 'please kill.yourself now', 'ki11 yourself'])(
    'finds a phrase in “%s”',
    (text) => {
      expect(holds('kill yourself', text)).toBe(true);
    },
  );

  it('reads an entry in the ways in which a text may be read', () => {
    expect(holds('1488', 'call 1488 now')).toBe(true);
    expect(holds('l33t', 'so leet')).toBe(true);
    expect(holds('b!tch', 'bitch')).toBe(true);
    expect(holds('ﬁne', 'FINE')).toBe(true);
    expect(holds('straße', 'STRASSE')).toBe(true);
    expect(holds('сука', 'СУКА')).toBe(true);
    expect(holds('くそ', 'くそ')).toBe(true);
  });

  it('knows what no text can hold', () => {
    for (const entry of ['', '*', ' . ', '🍆', '\u200b']) expect(isBlockable(entry)).toBe(false);
    expect(new BlockList(['', '*', '🍆']).isEmpty).toBe(true);
    expect(new BlockList(['*']).holdsOf('anything * at all')).toBe(false);
  });

  const word = fc.string({ unit: fc.constantFrom(...Array.from('abcdefghijklmnopqrstuvwxyz')), minLength: 3, maxLength: 12 });

  it('finds every entry in itself, however it is dressed', () => {
    const dress = fc.record({ upper: fc.boolean(), between: fc.constantFrom('', '\u200b', '.', ' ', '-'), marks: fc.boolean() });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), fc.nat(), dress, (entries, pick, { upper, between, marks }) => {
        const chosen = entries[pick % entries.length] ?? '';
        const dressed = Array.from(upper ? chosen.toUpperCase() : chosen, (letter) => (marks ? `${letter}\u0301` : letter)).join(between);
        expect(new BlockList(entries).holdsOf(`oh ${dressed}, 42!`)).toBe(true);
      }),
    );
  });

  it('finds nothing in words that share no beginning with an entry', () => {
    const other = fc.array(fc.constantFrom('xylo', 'xenon', 'xx', 'xerox', 'x'), { maxLength: 30 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(
        fc.array(
          word.filter((entry) => !entry.includes('x')),
          { maxLength: 10 },
        ),
        other,
        (entries, text) => {
          expect(new BlockList(entries).holdsOf(text)).toBe(false);
        },
      ),
    );
  });

  it('never throws, and takes anything', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), fc.string({ unit: 'binary', maxLength: 500 }), (entries, text) => {
        expect(typeof new BlockList(entries).holdsOf(text)).toBe('boolean');
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['one letter, again and again', 'a'.repeat(50_000)],
    ['single letters', 'a '.repeat(25_000)],
    ['alternating letters', 'a b '.repeat(12_500)],
    ['what an entry nearly is', 'a b a b a b a c '.repeat(3125)],
    ['signs', '.-'.repeat(25_000)],
    ['letters between dots', 'a.'.repeat(25_000)],
  ])('takes steps in proportion to a text of 50 KB of %s', (_what, text) => {
    const entries = Array.from({ length: 500 }, (_, index) => 'a b '.repeat(15) + 'ab'.repeat(index % 30));
    const list = new BlockList([...entries, 'a'.repeat(64), 'ab'.repeat(32)].map((entry) => entry.slice(0, 64)));
    list.holdsOf(text);
    expect(list.work).toBeLessThan(text.length * 64 * 3);
  });
});
