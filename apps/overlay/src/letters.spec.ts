import { HOSTILE_TEXTS } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { piecesOf } from './letters.js';

describe(piecesOf.name, () => {
  it('takes apart what stands side by side, letter by letter as readers count them', () => {
    expect(piecesOf('Zoë gg!')).toEqual(['Z', 'o', 'ë', ' ', 'g', 'g', '!']);
    expect(piecesOf('на 漢字')).toEqual(['н', 'а', ' ', '漢', '字']);
    expect(piecesOf('👩‍👩‍👧‍👦!👨🏿‍🚀')).toEqual(['👩‍👩‍👧‍👦', '!', '👨🏿‍🚀']);
  });

  it.each(['שלום', 'مرحبا بك', 'हिन्दी', 'ไทย', 'abc שלום', 'safe\u202Eevil', '\u2066x\u2069'])(
    'leaves %s whole, since its letters join or turn around',
    (text) => {
      expect(piecesOf(text)).toEqual([text]);
    },
  );

  it('loses nothing, and makes no more pieces than a page can move', () => {
    for (const text of [...HOSTILE_TEXTS, 'x'.repeat(100_000), 'y'.repeat(401)]) {
      const pieces = piecesOf(text);
      expect(pieces.join('')).toBe(text);
      expect(pieces.length).toBeLessThanOrEqual(400);
    }
  });
});
