import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { newSecret, secretText } from './secret-box.js';
import { signedHeaders } from './signature.js';

const BODY = '{"a":"ü"}';

describe(signedHeaders.name, () => {
  it('makes what the library of Standard Webhooks verifies', () => {
    const secret = newSecret();
    const headers = signedHeaders([secret], 'epoch-1', Date.now(), BODY);
    expect(new Webhook(secretText(secret)).verify(BODY, headers)).toEqual({ a: 'ü' });
    expect(() => new Webhook(secretText(secret)).verify('{"a":"u"}', headers)).toThrow(WebhookVerificationError);
    expect(() => new Webhook(secretText(newSecret())).verify(BODY, headers)).toThrow(WebhookVerificationError);
  });

  it('verifies with either secret while they are rotated', () => {
    const [old, fresh] = [newSecret(), newSecret()];
    const headers = signedHeaders([fresh, old], 'epoch-1', Date.now(), BODY);
    for (const secret of [old, fresh]) expect(new Webhook(secretText(secret)).verify(BODY, headers)).toEqual({ a: 'ü' });
  });

  it('is too old after some minutes', () => {
    const secret = newSecret();
    const headers = signedHeaders([secret], 'epoch-1', Date.now() - 6 * 60_000, BODY);
    expect(() => new Webhook(secretText(secret)).verify(BODY, headers)).toThrow(/too old/);
  });
});
