import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newSecret, SecretBox, secretText } from './secret-box.js';

const key = (id: number) => ({ id, secret: randomBytes(32) });

describe(SecretBox.name, () => {
  it('opens what it sealed, and what it sealed with older keys', () => {
    const [older, newer] = [key(1), key(200)];
    const secret = newSecret();
    const sealed = new SecretBox([older]).seal(secret, 'w');
    const box = new SecretBox([older, newer]);
    expect(box.open(sealed, 'w')).toEqual(secret);
    expect(box.open(box.seal(secret, 'w'), 'w')).toEqual(secret);
    expect(box.seal(secret, 'w').readUInt32BE()).toBe(200);
  });

  it('opens nothing of another webhook, of another key, or that was touched', () => {
    const [one, other] = [key(1), key(2)];
    const box = new SecretBox([one]);
    const sealed = box.seal(newSecret(), 'w');
    expect(box.open(sealed, 'x')).toBeUndefined();
    expect(new SecretBox([other]).open(sealed, 'w')).toBeUndefined();
    expect(new SecretBox([{ id: 1, secret: other.secret }]).open(sealed, 'w')).toBeUndefined();
    for (let i = 0; i < sealed.length; i += 1) {
      const touched = Buffer.from(sealed);
      touched[i] = (touched[i] ?? 0) ^ 1;
      expect(box.open(touched, 'w')).toBeUndefined();
    }
    for (const short of [Buffer.alloc(0), sealed.subarray(0, 10), sealed.subarray(0, -1)]) expect(box.open(short, 'w')).toBeUndefined();
  });

  it('never seals the same thing alike, and shows nothing of it', () => {
    const box = new SecretBox([key(1)]);
    const secret = newSecret();
    const [a, b] = [box.seal(secret, 'w'), box.seal(secret, 'w')];
    expect(a.equals(b)).toBe(false);
    expect(a.includes(secret)).toBe(false);
  });

  it('makes secrets that receivers know how to read', () => {
    expect(secretText(newSecret())).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  });
});
