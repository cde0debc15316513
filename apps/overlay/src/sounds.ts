import type { AlertLook, OverlayConfig } from '@droppio/tips';
import type { Assets } from './assets.js';

/** An alert stays for this long after its sound has ended. */
const AFTER_SOUND_MS = 1000;
/** Whatever the sound is. */
const LONGEST_MS = 30_000;

/** What alerts sound like: the built-in chime, or what the creator has uploaded, decoded before it is needed. */
export class Sounds<Sound extends { readonly duration: number }> {
  private readonly decoded = new Map<string, Sound>();
  private wanted: readonly string[] = [];

  constructor(
    private readonly chime: { ring(volume: number): void; play(sound: Sound, volume: number): void },
    private readonly files: Pick<Assets, 'sound' | 'onReady'>,
    private readonly decode: (file: ArrayBuffer) => Promise<Sound>,
  ) {
    files.onReady = ({ kind, id }) => {
      if (kind === 'sound') void this.take(id);
    };
  }

  wear({ defaults, tiers }: OverlayConfig): void {
    const sounds = [defaults.sound, ...tiers.map(({ override }) => override.sound)];
    this.wanted = sounds.flatMap((sound) => (sound === undefined || sound === null || sound.volume === 0 ? [] : [sound.asset]));
    for (const id of this.decoded.keys()) if (!this.wanted.includes(id)) this.decoded.delete(id);
    // A file that came before it was wanted, or was not for a while, does not come again.
    for (const id of this.wanted) if (id.startsWith('ast_') && !this.decoded.has(id)) void this.take(id);
  }

  /** Whether any alert would sound. */
  get isHeard(): boolean {
    return this.wanted.length > 0;
  }

  /** An alert is not gone before its sound is. */
  stretched(look: AlertLook): AlertLook {
    const sound = look.sound === null ? undefined : this.decoded.get(look.sound.asset);
    if (sound === undefined) return look;
    const soundMs = Math.ceil(sound.duration * 1000);
    return { ...look, durationMs: Math.max(look.durationMs, Math.min(LONGEST_MS, soundMs + AFTER_SOUND_MS)) };
  }

  /** Now. A file that is not there, or is none that can be played, sounds as the chime. */
  play(sound: AlertLook['sound']): void {
    if (sound === null) return;
    const own = this.decoded.get(sound.asset);
    if (own === undefined) this.chime.ring(sound.volume);
    else this.chime.play(own, sound.volume);
  }

  private async take(id: string): Promise<void> {
    const file = this.files.sound(id);
    if (file === undefined) return;
    try {
      const sound = await this.decode(file);
      if (this.wanted.includes(id)) this.decoded.set(id, sound);
    } catch {
      // The chime stands in for it.
    }
  }
}

/** Decoding needs no device that plays, so it waits for nobody's click. */
export function decodeSound(file: ArrayBuffer): Promise<AudioBuffer> {
  return new OfflineAudioContext(2, 1, 44_100).decodeAudioData(file);
}
