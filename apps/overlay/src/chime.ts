/** Two soft bell notes, made on the spot: nothing to download, nothing to license. */
const NOTES = [
  { hertz: 659.26, atSec: 0 },
  { hertz: 987.77, atSec: 0.13 },
] as const;
const RING_SEC = 1.1;
/** Well below full scale, so that a stream's own sound is not clipped. */
const PEAK = 0.28;
const LATE_MS = 1000;

export interface ChimeOptions {
  /** Only one of several pages of an overlay sounds. */
  readonly isMine: () => boolean;
  /** May sound start without a click? In OBS it may; elsewhere browsers complain in the console if it is tried. */
  readonly mayStart: () => boolean;
}

export class Chime {
  private output: Output | undefined;
  private muted = false;
  private ended: (() => void) | undefined;
  /** Raised by every end: a sound that has not begun by then does not. */
  private ends = 0;

  constructor(private readonly options: ChimeOptions) {}

  /** At once. What is sounding is over: nothing of it is heard when the sound is on again. */
  mute(muted: boolean): void {
    this.muted = muted;
    if (!muted) return;
    this.hush();
    this.output?.gain.disconnect();
    this.output = this.output && outputOf(this.output.context);
  }

  /** `volume`: 0–1. */
  ring(volume: number): void {
    void this.sound(volume, ({ context, gain }) => {
      for (const { hertz, atSec } of NOTES) strike(context, gain, { hertz, startSec: context.currentTime + atSec, volume });
    });
  }

  /** A sound of the creator's own; one at a time. */
  play(sound: AudioBuffer, volume: number): void {
    void this.sound(volume, (output) => {
      this.hush();
      this.begin(sound, volume, output);
    });
  }

  private begin(sound: AudioBuffer, volume: number, { context, gain }: Output): void {
    const source = context.createBufferSource();
    const level = context.createGain();
    level.gain.value = volume;
    source.buffer = sound;
    source.connect(level).connect(gain);
    source.start();
    this.ended = () => {
      source.stop();
      level.disconnect();
    };
  }

  /** Ends a sound of the creator's own, and whatever is about to begin. */
  hush(): void {
    this.ends += 1;
    this.ended?.();
    this.ended = undefined;
  }

  /** Now or never: a device that only comes later (a laptop that slept) must not sound all at once for what is long off the screen. */
  private async sound(volume: number, start: (output: Output) => void): Promise<void> {
    if (!this.maySound(volume)) return;
    try {
      const { context } = (this.output ??= outputOf(new AudioContext()));
      const [askedAt, ends] = [performance.now(), this.ends];
      if (context.state !== 'running') await context.resume();
      if (performance.now() - askedAt < LATE_MS && ends === this.ends && this.maySound(volume)) start(this.output);
    } catch {
      // No device: then it is silent.
    }
  }

  private maySound(volume: number): boolean {
    return !this.muted && volume > 0 && this.options.isMine() && this.options.mayStart();
  }
}

interface Output {
  readonly context: AudioContext;
  readonly gain: GainNode;
}

function outputOf(context: AudioContext): Output {
  const gain = context.createGain();
  gain.connect(context.destination);
  return { context, gain };
}

function strike(context: AudioContext, output: AudioNode, note: { hertz: number; startSec: number; volume: number }): void {
  const tone = context.createOscillator();
  const envelope = context.createGain();
  tone.frequency.value = note.hertz;
  envelope.gain.setValueAtTime(0.0001, note.startSec);
  envelope.gain.exponentialRampToValueAtTime(PEAK * note.volume, note.startSec + 0.012);
  envelope.gain.exponentialRampToValueAtTime(0.0001, note.startSec + RING_SEC);
  tone.connect(envelope).connect(output);
  tone.start(note.startSec);
  tone.stop(note.startSec + RING_SEC);
}
