import { createHmac, timingSafeEqual } from 'node:crypto';

/*
 * dro_ov_ + base64url(key id 1 | overlay id 16 | creator id 16 | version 4 | HMAC-SHA-256 32). Checked without I/O, so forged tokens cost
 * no lookup. The prefix lets secret scanners find a leaked one. Revoked by raising the overlay's version.
 */
const PREFIX = 'dro_ov_';
const BODY_BYTES = 37;
const MAC_BYTES = 32;
const SECRET_MIN_BYTES = 32;

export interface TokenKey {
  /** 0–255, part of the token: which key signed it. */
  readonly id: number;
  /** At least 32 random bytes. */
  readonly secret: Uint8Array;
}

export interface OverlayClaim {
  readonly overlayId: string;
  readonly creatorId: string;
  readonly version: number;
}

/** Signs with the newest key, verifies with any of the list, so keys can rotate while old URLs work. */
export class OverlayTokens {
  private readonly newest: TokenKey;

  constructor(private readonly keys: readonly TokenKey[]) {
    const newest = keys.at(-1);
    if (newest === undefined) throw new TypeError('an overlay token needs at least one signing key');
    this.newest = newest;
  }

  sign(claim: OverlayClaim): string {
    const body = Buffer.alloc(BODY_BYTES);
    body.writeUInt8(this.newest.id, 0);
    uuidBytes(claim.overlayId).copy(body, 1);
    uuidBytes(claim.creatorId).copy(body, 17);
    body.writeUInt32BE(claim.version, 33);
    return PREFIX + Buffer.concat([body, mac(this.newest, body)]).toString('base64url');
  }

  /** `undefined` for anything that this server did not sign. Whether the version is still good only the feed's grant knows. */
  verify(token: string): OverlayClaim | undefined {
    if (!token.startsWith(PREFIX)) return undefined;
    const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url');
    // Base64 has several spellings of the same bytes; only ours is a token.
    if (bytes.length !== BODY_BYTES + MAC_BYTES || PREFIX + bytes.toString('base64url') !== token) return undefined;
    const body = bytes.subarray(0, BODY_BYTES);
    const key = this.keys.find((candidate) => candidate.id === body.readUInt8(0));
    if (key === undefined || !timingSafeEqual(mac(key, body), bytes.subarray(BODY_BYTES))) return undefined;
    return { overlayId: uuidText(body.subarray(1, 17)), creatorId: uuidText(body.subarray(17, 33)), version: body.readUInt32BE(33) };
  }
}

function mac(key: TokenKey, body: Uint8Array): Buffer {
  return createHmac('sha256', key.secret).update('droppio overlay token v1').update(body).digest();
}

function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  if (bytes.length !== 16) throw new TypeError('not a UUID');
  return bytes;
}

function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/**
 * Reads the setting `OVERLAY_TOKEN_KEYS`: `id:secret` pairs with commas between them, newest last; a secret is 32 bytes or more, in hex or
 * base64. Throws a `TypeError` whose message is a sentence about the first fault and never holds a secret.
 */
export function parseTokenKeys(text: string): readonly TokenKey[] {
  const entries = text
    .split(/[,\s]+/)
    .filter((entry) => entry !== '')
    .map(parseTokenKey);
  if (entries.length === 0) throw new TypeError('it must name at least one key, as id:secret');
  const twice = entries.find((key, at) => entries.findIndex((other) => other.id === key.id) !== at);
  if (twice !== undefined) throw new TypeError(`key id ${String(twice.id)} is given twice`);
  return entries;
}

function parseTokenKey(entry: string, at: number): TokenKey {
  const [, id, secret] = /^(\d{1,3}):(.*)$/.exec(entry) ?? [];
  if (id === undefined || secret === undefined || Number(id) > 255) {
    throw new TypeError(`entry ${String(at + 1)} must be id:secret with an id from 0 to 255`);
  }
  const bytes = secretBytes(secret);
  if (bytes === undefined) throw new TypeError(`the secret of key ${String(Number(id))} is neither hex nor base64`);
  if (bytes.length < SECRET_MIN_BYTES) {
    throw new TypeError(
      `the secret of key ${String(Number(id))} has ${String(bytes.length)} bytes and must have at least ${String(SECRET_MIN_BYTES)}`,
    );
  }
  return { id: Number(id), secret: bytes };
}

/** Hex wins: 64 hex digits are base64 too, but nobody means that. */
function secretBytes(secret: string): Buffer | undefined {
  if (/^([0-9a-f]{2})+$/i.test(secret)) return Buffer.from(secret, 'hex');
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(secret)) return Buffer.from(secret, 'base64');
  return undefined;
}
