/*
 * Letters that pass for Latin ones, chosen from Unicode's confusables (UTS #39, confusables.txt): those that people type, and that compatibility
 * decomposition (full width, mathematical, circled letters) does not undo. Lower case only: text is folded to it before.
 */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  a: 'аαɑꭺᴀɐ',
  b: 'ьвβʙƅ',
  c: 'сϲᴄↄ¢',
  d: 'ԁɗᴅđ',
  e: 'еєεҽᴇə€',
  f: 'ғϝꜰƒ',
  g: 'ɡցɢԍɠ',
  h: 'һнհʜɦħ',
  i: 'іιıɪӏɨ',
  j: 'јϳʝᴊ',
  k: 'кκᴋƙқ',
  l: 'ʟłƚɭ£',
  m: 'мϻᴍɱμ',
  n: 'иηոɴŋп',
  o: 'оοσօᴏøөס०',
  p: 'рρᴘƥք',
  q: 'ԛգɋ',
  r: 'гʀɼɾ',
  s: 'ѕꜱʂƽ',
  t: 'тτᴛŧƭ',
  u: 'υսᴜʋ',
  v: 'νѵᴠ',
  w: 'ԝшωᴡɯ',
  x: 'хχҳ',
  y: 'уγүʏƴ¥',
  z: 'ᴢʐƶ',
};

const TABLE: ReadonlyMap<string, string> = new Map(
  Object.entries(LOOK_ALIKES).flatMap(([letter, others]) => Array.from(others, (other) => [other, letter] as const)),
);

const A = 'a'.codePointAt(0) ?? 0;
/** Alphabets of symbols without a decomposition: regional indicators, and letters in dark circles and squares. */
const ALPHABETS = [0x1f1e6, 0x1f150, 0x1f170];

/** The Latin letter that this code point (lower case, decomposed) passes for; itself when it passes for none. */
export function lookAlike(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x80) return char;
  for (const first of ALPHABETS) if (code >= first && code < first + 26) return String.fromCodePoint(A + code - first);
  return TABLE.get(char) ?? char;
}
