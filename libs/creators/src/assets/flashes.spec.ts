import { describe, expect, it } from 'vitest';
import { flashesTooMuch, GRID } from './flashes.js';

type Colour = readonly [red: number, green: number, blue: number, alpha?: number];
const BLACK: Colour = [0, 0, 0];
const WHITE: Colour = [255, 255, 255];
const CLEAR: Colour = [255, 255, 255, 0];

/** Frames that are all of one colour on a share of their rows, and grey on the rest. */
function film(colours: readonly Colour[], delayMs: number, share = 1) {
  const places = GRID * GRID;
  const pixels = new Uint8Array(colours.length * places * 4);
  colours.forEach(([r, g, b, alpha = 255], frame) => {
    for (let place = 0; place < places; place += 1) {
      pixels.set(place < places * share ? [r, g, b, alpha] : [90, 90, 90, 255], (frame * places + place) * 4);
    }
  });
  return { pixels, delaysMs: colours.map(() => delayMs) };
}

/** `count` times the one and the other in a second. */
const blinking = (hertz: number, one = BLACK, other = WHITE, share = 1) =>
  film(
    Array.from({ length: 2 * hertz }, (_, n) => (n % 2 === 0 ? one : other)),
    Math.ceil(500 / hertz),
    share,
  );

describe(flashesTooMuch.name, () => {
  it('lets three flashes a second pass, and not four', () => {
    expect([1, 2, 3].map((hertz) => flashesTooMuch(blinking(hertz)))).toEqual([false, false, false]);
    expect([4, 5, 10, 25].map((hertz) => flashesTooMuch(blinking(hertz)))).toEqual([true, true, true, true]);
  });

  it('looks past the end of the film, where it begins again', () => {
    expect(flashesTooMuch(film([BLACK, WHITE], 50))).toBe(true);
    expect(flashesTooMuch(film([BLACK, WHITE], 500))).toBe(false);
    // Three flashes in the last half second and three in the first.
    const burst = [BLACK, WHITE, BLACK, WHITE, BLACK, WHITE];
    const rest = Array<Colour>(20).fill(BLACK);
    expect(flashesTooMuch(film([...burst, ...rest], 80))).toBe(false);
    expect(flashesTooMuch(film([...burst, ...rest.slice(0, 3)], 80))).toBe(true);
  });

  it('counts what is dark on one side: light greys may flicker', () => {
    expect(flashesTooMuch(blinking(10, [232, 232, 232], WHITE))).toBe(false);
    expect(flashesTooMuch(blinking(10, [225, 225, 225], WHITE))).toBe(true);
  });

  it('counts changes of a tenth of the luminance and more', () => {
    // 0.0003 and 0.0976, and 0.1022.
    expect(flashesTooMuch(blinking(10, [1, 1, 1], [88, 88, 88]))).toBe(false);
    expect(flashesTooMuch(blinking(10, [1, 1, 1], [92, 92, 92]))).toBe(true);
  });

  it('adds up what changes slowly: a flash may take many frames', () => {
    const ramp = Array.from({ length: 8 }, (_, n): Colour => [n * 30, n * 30, n * 30]);
    const wave = [...ramp, ...ramp.toReversed()];
    expect(flashesTooMuch(film(wave, 12))).toBe(true);
    expect(flashesTooMuch(film(wave, 60))).toBe(false);
  });

  it('counts from 2.8 per cent of the picture on', () => {
    expect(flashesTooMuch(blinking(10, BLACK, WHITE, 0.025))).toBe(false);
    expect(flashesTooMuch(blinking(10, BLACK, WHITE, 0.03))).toBe(true);
  });

  it('judges what is transparent on black and on white', () => {
    expect(flashesTooMuch(blinking(10, CLEAR, WHITE))).toBe(true);
    expect(flashesTooMuch(blinking(10, CLEAR, BLACK))).toBe(true);
    expect(flashesTooMuch(blinking(10, CLEAR, CLEAR))).toBe(false);
  });

  it('counts saturated reds that luminance hardly tells apart', () => {
    expect(flashesTooMuch(blinking(10, [150, 0, 0], [0, 0, 0]))).toBe(true);
    expect(flashesTooMuch(blinking(10, [0, 0, 150], [0, 0, 0]))).toBe(false);
    expect(flashesTooMuch(blinking(3, [150, 0, 0], [0, 0, 0]))).toBe(false);
  });

  it('has nothing against what stands still, or moves once', () => {
    expect(flashesTooMuch(film([WHITE], 50))).toBe(false);
    expect(flashesTooMuch(film(Array<Colour>(200).fill(WHITE), 20))).toBe(false);
    expect(flashesTooMuch(film([BLACK, ...Array<Colour>(100).fill(WHITE)], 20))).toBe(false);
  });
});
