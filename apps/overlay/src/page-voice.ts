import type { WornConfig } from '@droppio/protocol';
import type { AlertLook, Clock } from '@droppio/tips';
import type { Assets } from './assets.js';
import { Chime } from './chime.js';
import { offerSound } from './sound-note.js';
import { decodeSound, Sounds } from './sounds.js';

export interface VoiceParts {
  readonly clock: Clock;
  readonly assets: Assets;
  readonly inObs: boolean;
  /** Nothing is heard of this page, and nobody is asked to let it sound. */
  readonly isSilent: boolean;
  /** Of several pages of an overlay one sounds, as a rule. */
  readonly isMine: () => boolean;
}

/** What is heard of alerts. */
export class PageVoice {
  private readonly chime: Chime;
  private readonly sounds: Sounds<AudioBuffer>;

  constructor(private readonly parts: VoiceParts) {
    const isMine = (): boolean => !parts.isSilent && parts.isMine();
    this.chime = new Chime({ isMine, mayStart: () => parts.inObs || navigator.userActivation.hasBeenActive });
    this.sounds = new Sounds(this.chime, parts.assets, decodeSound);
  }

  wear(config: WornConfig): void {
    this.sounds.wear(config);
    const { clock, inObs, isSilent } = this.parts;
    if (config.widget === 'alerts' && !inObs && !isSilent && this.sounds.isHeard) offerSound(document, clock);
  }

  /** An alert is not gone before its sound is. */
  stretched(look: AlertLook): AlertLook {
    return this.sounds.stretched(look);
  }

  play({ sound }: Pick<AlertLook, 'sound'>): void {
    this.sounds.play(sound);
  }

  mute(muted: boolean): void {
    this.chime.mute(muted);
  }

  hush(): void {
    this.chime.hush();
  }
}
