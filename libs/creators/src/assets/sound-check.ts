import type { AssetType } from '@droppio/tips';
import { AssetRefused } from '../errors.js';
import { mp3Duration } from './mp3.js';
import { oggDuration } from './ogg.js';
import type { SoundFormat } from './sniff.js';
import { wavDuration } from './wav.js';

const SOUND_MAX_MS = 30_000;

const CHECKS = {
  wav: { type: 'audio/wav', durationOf: wavDuration },
  mp3: { type: 'audio/mpeg', durationOf: mp3Duration },
  ogg: { type: 'audio/ogg', durationOf: oggDuration },
} as const satisfies Readonly<Record<SoundFormat, { readonly type: AssetType; readonly durationOf: (bytes: Buffer) => number }>>;

export interface CheckedSound {
  readonly type: AssetType;
  readonly durationMs: number;
}

/**
 * Reads a sound from its first byte to its last, without decoding it: it is stored as it is. How loud it is is not judged: what a sample of
 * music peaks at says little about it, and whoever uploads a sound sets its volume beside it. Throws `AssetRefused`.
 */
export function checkSound(bytes: Buffer, format: SoundFormat): CheckedSound {
  const { type, durationOf } = CHECKS[format];
  const durationMs = durationOf(bytes);
  if (durationMs > SOUND_MAX_MS) throw new AssetRefused('A sound may last 30 seconds.');
  return { type, durationMs };
}
