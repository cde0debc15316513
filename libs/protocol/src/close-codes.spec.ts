import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CloseCode, closeReason, mayReconnect, readCloseReason } from './close-codes.js';

const bytes = (text: string): number => new TextEncoder().encode(text).length;

describe(closeReason.name, () => {
  it('never takes more than the 123 bytes that a close frame has, whatever it is to say', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300, size: 'max' }), fc.option(fc.nat(), { nil: undefined }), (why, retryMs) => {
        const reason = closeReason(why, retryMs);
        expect(bytes(reason)).toBeLessThanOrEqual(123);
        expect(readCloseReason(reason).retryMs).toBe(retryMs);
      }),
    );
  });

  it('is read back as it was meant', () => {
    expect(readCloseReason(closeReason('drain', 4200))).toEqual({ why: 'drain', retryMs: 4200 });
    expect(readCloseReason(closeReason('bad token'))).toEqual({ why: 'bad token' });
  });

  it.each(['', 'going away', '{', '[]', 'null', '3', '{"r":1,"retryMs":-5}', '{"retryMs":"soon"}'])(
    'makes nothing of the foreign reason %j',
    (reason) => {
      expect(readCloseReason(reason)).toEqual({});
    },
  );
});

describe(mayReconnect.name, () => {
  it('lets clients come back below 4500 only', () => {
    const stop = Object.values(CloseCode).filter((code) => !mayReconnect(code));
    expect(stop).toEqual([4500, 4501, 4502, 4504, 4505, 4506]);
    expect([1000, 1001, 1006, 1012].every(mayReconnect)).toBe(true);
  });
});
