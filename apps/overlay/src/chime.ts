/** Two soft bell notes, made on the spot: nothing to download, nothing to license. */
const NOTES = [
  { hertz: 659.26, atSec: 0 },
  { hertz: 987.77, atSec: 0.13 },
] as const;
const RING_SEC = 1.1;
/** Well below full scale, so that a stream's own sound is not clipped. */
const PEAK = 0.28;

export interface ChimeOptions {
  /** Only one of several pages of an overlay sounds. */
  readonly isMine: () => boolean;
  /** May sound start without a click? In OBS it may; elsewhere browsers complain in the console if it is tried. */
  readonly mayStart: () => boolean;
}

export class Chime {
  private output: Output | undefined;
  private muted = false;

  constructor(private readonly options: ChimeOptions) {}

  private ended: (() => void) | undefined;

  /** At once, also for a note that is ringing. */
  mute(muted: boolean): void {
    this.muted = muted;
    if (this.output !== undefined) this.output.gain.gain.value = muted ? 0 : 1;
  }

  /** `volume`: 0–1. */
  ring(volume: number): void {
    const output = this.ready(volume);
    if (output === undefined) return;
    const { context, gain } = output;
    for (const { hertz, atSec } of NOTES) strike(context, gain, { hertz, startSec: context.currentTime + atSec, volume });
  }

  /** A sound of the creator's own; one at a time. */
  play(sound: AudioBuffer, volume: number): void {
    const output = this.ready(volume);
    if (output === undefined) return;
    this.hush();
    const { context, gain } = output;
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

  /** Ends a sound of the creator's own. */
  hush(): void {
    this.ended?.();
    this.ended = undefined;
  }

  private ready(volume: number): Output | undefined {
    if (this.muted || volume <= 0 || !this.options.isMine() || !this.options.mayStart()) return undefined;
    const output = (this.output ??= open());
    // Suspended contexts (a laptop that slept) would play everything later, at once.
    if (output.context.state === 'suspended') void output.context.resume();
    return output;
  }
}

interface Output {
  readonly context: AudioContext;
  readonly gain: GainNode;
}

function open(): Output {
  const context = new AudioContext();
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
