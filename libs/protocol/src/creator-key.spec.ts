import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { creatorKeyOf, gatewayFor, gatewayForPreview } from './creator-key.js';
import { OverlayTokens } from './overlay-token.js';

const keys = (id: number): OverlayTokens => new OverlayTokens([{ id, secret: Buffer.alloc(32, id) }]);
const token = (creatorId: string, by = keys(1), version = 1): string => by.sign({ overlayId: randomUUID(), creatorId, version });

describe(creatorKeyOf.name, () => {
  it('is one for all overlays of a creator, whatever key signed them, and for nobody else', () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const key = creatorKeyOf(token(one));
    expect(key).toMatch(/^[\w-]{20}$/);
    expect(creatorKeyOf(token(one, keys(7), 99))).toBe(key);
    expect(creatorKeyOf(token(other))).not.toBe(key);
  });

  it("is made of the creator's id alone", () => {
    const creatorId = randomUUID();
    const bytes = Buffer.from(creatorKeyOf(token(creatorId)) ?? '', 'base64url');
    expect(bytes.toString('hex')).toBe(creatorId.replaceAll('-', '').slice(2));
  });

  it('is nothing for what is no token', () => {
    for (const text of ['', 'dro_ov_', 'dro_ov_short', `other_${'a'.repeat(92)}`]) expect(creatorKeyOf(text)).toBeUndefined();
  });
});

describe(gatewayFor.name, () => {
  it('adds the key and keeps what is there, and never carries the token', () => {
    const overlay = token(randomUUID());
    const url = gatewayFor('wss://host/overlay?via=cdn', overlay);
    expect(url).toBe(`wss://host/overlay?via=cdn&creator=${creatorKeyOf(overlay) ?? ''}`);
    expect(url).not.toContain('dro_ov_');
    expect(url).not.toContain(overlay.slice(-60));
  });

  it('leaves alone what it cannot read', () => {
    expect(gatewayFor('no address', token(randomUUID()))).toBe('no address');
    expect(gatewayFor('wss://host/overlay', 'no token')).toBe('wss://host/overlay');
  });
});

describe(gatewayForPreview.name, () => {
  it('says that nobody but the creator looks, and keeps what is there', () => {
    expect(gatewayForPreview('wss://host/overlay?creator=c')).toBe('wss://host/overlay?creator=c&preview=1');
    expect(gatewayForPreview('no address')).toBe('no address');
  });
});
