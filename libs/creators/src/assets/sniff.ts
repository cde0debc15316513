import type { AssetKind } from '@droppio/tips';
import { BodyTooLarge, UnsupportedMediaType } from '../errors.js';

export const IMAGE_MAX_BYTES = 1024 * 1024;
export const SOUND_MAX_BYTES = 2 * 1024 * 1024;

const FORMATS = {
  png: { kind: 'image', names: ['image/png'] },
  jpeg: { kind: 'image', names: ['image/jpeg', 'image/jpg'] },
  webp: { kind: 'image', names: ['image/webp'] },
  gif: { kind: 'image', names: ['image/gif'] },
  wav: { kind: 'sound', names: ['audio/wav', 'audio/wave', 'audio/x-wav', 'audio/vnd.wave'] },
  mp3: { kind: 'sound', names: ['audio/mpeg', 'audio/mp3'] },
  ogg: { kind: 'sound', names: ['audio/ogg', 'audio/opus', 'audio/vorbis', 'application/ogg'] },
} as const satisfies Readonly<Record<string, { readonly kind: AssetKind; readonly names: readonly string[] }>>;

export type Format = keyof typeof FORMATS;
export type ImageFormat = { [Name in Format]: (typeof FORMATS)[Name]['kind'] extends 'image' ? Name : never }[Format];
export type SoundFormat = Exclude<Format, ImageFormat>;
export type Sniffed = { readonly kind: 'image'; readonly format: ImageFormat } | { readonly kind: 'sound'; readonly format: SoundFormat };

/** Names that the header may have. */
export const DECLARED_TYPES: readonly string[] = [...new Set(Object.values(FORMATS).flatMap(({ names }): readonly string[] => names))];
const ANYTHING = 'application/octet-stream';

/**
 * What the bytes are. The header decides nothing: it only must not say something else, for then one of both is not what its sender thinks.
 * Throws `UnsupportedMediaType`, and `BodyTooLarge` for an image that only a sound may be as large as.
 */
export function sniff(bytes: Buffer, declared: string): Sniffed {
  const found = formatOf(bytes);
  const taken = `Send PNG, JPEG, WebP, GIF, WAV, MP3 or Ogg (Opus, Vorbis).`;
  if (found === undefined) throw new UnsupportedMediaType(`The body is none of the kinds that are taken. ${taken}`);
  const names: readonly string[] = FORMATS[found.format].names;
  const name = declared.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (name !== ANYTHING && !names.includes(name)) {
    throw new UnsupportedMediaType(`The body is ${found.format.toUpperCase()}, and its Content-Type says something else. ${taken}`);
  }
  if (found.kind === 'image' && bytes.length > IMAGE_MAX_BYTES) {
    throw new BodyTooLarge(`An image may have ${String(IMAGE_MAX_BYTES)} bytes.`);
  }
  return found;
}

function formatOf(bytes: Buffer): Sniffed | undefined {
  const text = (from: number, to: number): string => bytes.toString('latin1', from, to);
  if (text(0, 8) === '\x89PNG\r\n\x1a\n') return { kind: 'image', format: 'png' };
  if (text(0, 3) === '\xff\xd8\xff') return { kind: 'image', format: 'jpeg' };
  if (text(0, 6) === 'GIF87a' || text(0, 6) === 'GIF89a') return { kind: 'image', format: 'gif' };
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP') return { kind: 'image', format: 'webp' };
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WAVE') return { kind: 'sound', format: 'wav' };
  if (text(0, 4) === 'OggS') return { kind: 'sound', format: 'ogg' };
  if (text(0, 3) === 'ID3' || isLayerThree(bytes)) return { kind: 'sound', format: 'mp3' };
  return undefined;
}

function isLayerThree(bytes: Buffer): boolean {
  return bytes.length >= 2 && bytes.readUInt8(0) === 0xff && (bytes.readUInt8(1) & 0xe6) === 0xe2;
}
