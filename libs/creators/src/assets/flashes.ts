/*
 * WCAG 2.2, success criterion 2.3.1: nothing may flash more than three times in a second. A general flash is a pair of opposing changes of
 * relative luminance by a tenth or more, the darker side below 0.8; a red flash one to or from a saturated red. It counts from 21 824 of
 * 1024 x 768 pixels on. How large a picture will be on the screen is up to a config that may change, so it is taken to fill the screen.
 */

/** Pictures are looked at through a grid of so many places a side. */
export const GRID = 48;
const PLACES = GRID * GRID;
const AREA = 21_824 / (1024 * 768);
const WINDOW_MS = 1000;
/** Three flashes are six changes; the seventh within a second is one too many. */
const TOO_MANY_CHANGES = 7;

interface Rule {
  readonly change: number;
  /** Changes above this are no flash. */
  readonly darkBelow: number;
}
const GENERAL: Rule = { change: 0.1, darkBelow: 0.8 };
const RED: Rule = { change: 20 / 320, darkBelow: Infinity };
const SATURATED = 0.8;

const LINEAR = Float32Array.from({ length: 256 }, (_, value) => {
  const part = value / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
});

export interface Film {
  /** RGBA, frame after frame, `GRID` x `GRID` pixels each. */
  readonly pixels: Uint8Array;
  /** How long each frame stays. After the last one the first comes again. */
  readonly delaysMs: readonly number[];
}

/** What moves behind a picture is not known, so what is transparent is judged on black and on white. */
export function flashesTooMuch(film: Film): boolean {
  const frames = film.delaysMs.length;
  if (frames < 2) return false;
  const luminance = (behind: number) => seriesOf(film, behind, (r, g, b) => 0.2126 * r + 0.7152 * g + 0.0722 * b);
  const redness = seriesOf(film, 0, (r, g, b) => (r > 0 && r / (r + g + b) >= SATURATED ? Math.max(0, r - g - b) : 0));
  return isTooMuch(luminance(0), film, GENERAL) || isTooMuch(luminance(1), film, GENERAL) || isTooMuch(redness, film, RED);
}

function seriesOf({ pixels, delaysMs }: Film, behind: number, valueOf: (r: number, g: number, b: number) => number): Float32Array {
  const series = new Float32Array(delaysMs.length * PLACES);
  const light = (at: number, alpha: number): number => (LINEAR[pixels[at] ?? 0] ?? 0) * alpha + behind * (1 - alpha);
  for (let place = 0; place < series.length; place += 1) {
    const at = place * 4;
    const alpha = (pixels[at + 3] ?? 0) / 255;
    series[place] = valueOf(light(at, alpha), light(at + 1, alpha), light(at + 2, alpha));
  }
  return series;
}

/** Each place on the picture by itself, then: how much of the picture has changed too often within the same second. */
function isTooMuch(series: Float32Array, { delaysMs }: Film, rule: Rule): boolean {
  const watch = new Watch(rule);
  const lengthMs = delaysMs.reduce((sum, ms) => sum + ms, 0);
  // Once around, and far enough into the next turns that every second of the endless film was looked at.
  const untilMs = lengthMs + Math.max(lengthMs, 2 * WINDOW_MS);
  for (let frame = 0, atMs = 0; atMs < untilMs; atMs += delaysMs[frame] ?? WINDOW_MS, frame = (frame + 1) % delaysMs.length) {
    if (watch.see(series.subarray(frame * PLACES, (frame + 1) * PLACES), atMs) > AREA * PLACES) return true;
  }
  return false;
}

/** Follows the turning points of every place. */
class Watch {
  private readonly lowest = new Float32Array(PLACES).fill(Infinity);
  private readonly highest = new Float32Array(PLACES).fill(-Infinity);
  /** 1 after a rise, -1 after a fall. */
  private readonly direction = new Int8Array(PLACES);
  private readonly changes = new Uint32Array(PLACES);
  /** Times of the last changes of each place, as a ring. */
  private readonly times = new Float64Array(PLACES * TOO_MANY_CHANGES).fill(-Infinity);

  constructor(private readonly rule: Rule) {}

  /** How many places have changed too often in the second up to now. */
  see(frame: Float32Array, atMs: number): number {
    let flashing = 0;
    for (let place = 0; place < PLACES; place += 1) {
      this.step(place, frame[place] ?? 0, atMs);
      const oldest = this.times[place * TOO_MANY_CHANGES + ((this.changes[place] ?? 0) % TOO_MANY_CHANGES)] ?? -Infinity;
      if (oldest > atMs - WINDOW_MS) flashing += 1;
    }
    return flashing;
  }

  private step(place: number, value: number, atMs: number): void {
    const { change, darkBelow } = this.rule;
    const lowest = (this.lowest[place] = Math.min(this.lowest[place] ?? value, value));
    const highest = (this.highest[place] = Math.max(this.highest[place] ?? value, value));
    const direction = this.direction[place] ?? 0;
    const rises = direction !== 1 && value - lowest >= change && lowest < darkBelow;
    const falls = direction !== -1 && highest - value >= change && value < darkBelow;
    if (!rises && !falls) return;
    this.direction[place] = rises ? 1 : -1;
    this.lowest[place] = this.highest[place] = value;
    const count = this.changes[place] ?? 0;
    this.times[place * TOO_MANY_CHANGES + (count % TOO_MANY_CHANGES)] = atMs;
    this.changes[place] = count + 1;
  }
}
