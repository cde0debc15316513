import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OverlayTokens, parseTokenKeys, type OverlayClaim } from './overlay-token.js';

const key = (id: number, fill = id) => ({ id, secret: Buffer.alloc(32, fill) });
const claim = (): OverlayClaim => ({ overlayId: randomUUID(), creatorId: randomUUID(), version: 3 });
const claims = fc.record({ overlayId: fc.uuid(), creatorId: fc.uuid(), version: fc.integer({ min: 0, max: 2 ** 32 - 1 }) });

describe(OverlayTokens.name, () => {
  it('reads back every claim that it signed', () => {
    const tokens = new OverlayTokens([key(1)]);
    fc.assert(
      fc.property(claims, (given) => {
        expect(tokens.verify(tokens.sign(given))).toEqual(given);
      }),
    );
  });

  it('refuses a token with any one character changed', () => {
    const tokens = new OverlayTokens([key(1)]);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    fc.assert(
      fc.property(claims, fc.nat(), fc.nat(), (given, place, letter) => {
        const token = tokens.sign(given);
        const at = place % token.length;
        const other = alphabet[letter % alphabet.length] ?? 'A';
        fc.pre(other !== token[at]);
        expect(tokens.verify(token.slice(0, at) + other + token.slice(at + 1))).toBeUndefined();
      }),
    );
  });

  it('refuses whatever else a stranger can type', () => {
    const tokens = new OverlayTokens([key(1)]);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((text) => `dro_ov_${text}`),
        ),
        (text) => {
          expect(tokens.verify(text)).toBeUndefined();
        },
      ),
    );
  });

  it('refuses other spellings of the same bytes', () => {
    const tokens = new OverlayTokens([key(1)]);
    const token = tokens.sign(claim());
    expect(tokens.verify(token)).toBeDefined();
    for (const spelling of [`${token}=`, `${token}\n`, ` ${token}`, token.toUpperCase(), token.replace('dro_ov_', 'dro_ov_ ')]) {
      expect(tokens.verify(spelling)).toBeUndefined();
    }
  });

  it('refuses a claim signed by a key it does not have, even under a known id', () => {
    const stranger = new OverlayTokens([key(1, 99)]);
    expect(new OverlayTokens([key(1)]).verify(stranger.sign(claim()))).toBeUndefined();
  });

  it('signs with the newest key and goes on verifying older ones', () => {
    const before = new OverlayTokens([key(1)]);
    const after = new OverlayTokens([key(1), key(2)]);
    const given = claim();
    expect(after.verify(before.sign(given))).toEqual(given);
    expect(before.verify(after.sign(given))).toBeUndefined();
  });

  it('cannot be made without a key', () => {
    expect(() => new OverlayTokens([])).toThrow(/at least one/);
  });
});

describe(parseTokenKeys.name, () => {
  const hex = 'ab'.repeat(32);
  const base64 = Buffer.alloc(40, 7).toString('base64');

  it('reads hex and base64 secrets in the given order', () => {
    const keys = parseTokenKeys(`1:${hex}, 7:${base64}`);
    expect(keys.map(({ id, secret }) => [id, secret.length])).toEqual([
      [1, 32],
      [7, 40],
    ]);
  });

  it.each([
    ['', 'at least one key'],
    ['1', 'entry 1 must be id:secret'],
    [`300:${'ab'.repeat(32)}`, 'id from 0 to 255'],
    [`1:${'ab'.repeat(31)}`, 'has 31 bytes and must have at least 32'],
    ['1:not*base64*not*base64', 'neither hex nor base64'],
    [`4:${'ab'.repeat(32)},4:${'cd'.repeat(32)}`, 'key id 4 is given twice'],
  ])('says what is wrong with %j', (text, sentence) => {
    expect(() => parseTokenKeys(text)).toThrow(sentence);
  });

  it('never repeats a secret in its complaint', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 8 }).filter((text) => !/[,\s]/.test(text)),
        (secret) => {
          try {
            parseTokenKeys(`1:${secret},1:${secret}`);
            expect.unreachable();
          } catch (error) {
            expect(String(error)).not.toContain(secret);
          }
        },
      ),
    );
  });
});
