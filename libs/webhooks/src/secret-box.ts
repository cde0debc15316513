import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { SealingKey } from './webhook-settings.js';

/*
 * key id 4 | nonce 12 | secret 32 | tag 16: AES-256-GCM under a key derived from one that signs overlay URLs. The webhook's id is
 * authenticated along, so that a row's secret is of no use in another row.
 */
const [ID, NONCE, TAG] = [4, 12, 16];
const PURPOSE = 'droppio webhook secrets';
const SECRET_BYTES = 32;
const PREFIX = 'whsec_';

export const newSecret = (): Buffer => randomBytes(SECRET_BYTES);

/** As Standard Webhooks writes it. */
export const secretText = (secret: Uint8Array): string => PREFIX + Buffer.from(secret).toString('base64');

/** Secrets lie in the database sealed: a copy of it alone signs nothing. */
export class SecretBox {
  private readonly keys: ReadonlyMap<number, Buffer>;
  readonly newestId: number;

  constructor(keys: readonly SealingKey[]) {
    const newest = keys.at(-1);
    if (newest === undefined) throw new TypeError('secrets cannot be sealed without a key');
    this.newestId = newest.id;
    this.keys = new Map(keys.map(({ id, secret }) => [id, Buffer.from(hkdfSync('sha256', secret, '', PURPOSE, 32))]));
  }

  seal(secret: Uint8Array, webhookId: string): Buffer {
    const key = this.keys.get(this.newestId);
    if (key === undefined) throw new TypeError('the newest key is missing');
    const head = Buffer.alloc(ID);
    head.writeUInt32BE(this.newestId);
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(webhookId));
    return Buffer.concat([head, nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  }

  /** `undefined`: its key is not there any more, or it is not what was sealed. */
  open(sealed: Uint8Array, webhookId: string): Buffer | undefined {
    const bytes = Buffer.from(sealed);
    const key = bytes.length < ID + NONCE + TAG ? undefined : this.keys.get(bytes.readUInt32BE());
    if (key === undefined) return undefined;
    const nonce = bytes.subarray(ID, ID + NONCE);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG }).setAAD(Buffer.from(webhookId));
    decipher.setAuthTag(bytes.subarray(-TAG));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(ID + NONCE, -TAG)), decipher.final()]);
    } catch {
      return undefined;
    }
  }
}
