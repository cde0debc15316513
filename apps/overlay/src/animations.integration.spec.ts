import { ANIMATIONS, TEXT_EFFECTS } from '@droppio/tips';
import type { Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { alertOf, stopTime, useTheatre } from './testing/overlay-theatre.js';
import { differs, LETTERS_OFF, SHARE_OFF, still } from './testing/stills.js';

const theatre = useTheatre();
let page: Page;

beforeEach(async () => {
  await theatre.resize(480, 270);
  await theatre.context.addInitScript(() => Reflect.set(window, 'obsstudio', { pluginVersion: '2.26.4' }));
  await theatre.context.clock.install();
  ({ page } = await theatre.spectate());
  await stopTime(page);
});

/** One alert that looks like this, just begun. */
async function begin(look: Record<string, unknown>): Promise<void> {
  theatre.configure({ canvas: { anchor: 'center', scale: 1.6, maxWidthPct: 90 }, defaults: { durationMs: 2000, ...look } });
  const tip = theatre.tip({ message: 'for the stream', amount: theatre.eth('250000000000000000'), from: `0x${'1'.repeat(40)}` });
  await alertOf(page, tip.tipId).waitFor({ state: 'attached' });
  // Its time begins with the first frame of it that is drawn.
  await page.clock.runFor(20);
}

async function end(): Promise<void> {
  await page.clock.runFor(1700);
  await page.locator('[data-alert][data-leaving]').waitFor({ state: 'attached' });
}

async function goOn(): Promise<void> {
  await page.clock.runFor(300);
  await page.locator('[data-alert]').waitFor({ state: 'detached' });
  await page.clock.runFor(250);
}

describe('the key frames of every animation', () => {
  it.each(ANIMATIONS)('%s comes and goes as it always did', async (animation) => {
    await begin({ enter: animation, exit: animation });
    expect(differs(await still(page, 90), `enter-${animation}`)).toBeLessThanOrEqual(SHARE_OFF);
    await end();
    expect(differs(await still(page, 150), `exit-${animation}`)).toBeLessThanOrEqual(SHARE_OFF);
  });

  it.each(TEXT_EFFECTS)('%s moves the words as it always did', async (textEffect) => {
    await begin({ enter: 'fade', textEffect });
    expect(differs(await still(page, 800), `effect-${textEffect}`)).toBeLessThanOrEqual(LETTERS_OFF);
  });
});

/** WCAG 2.3.1: as many as may be in a second, each a change of light and back again by a tenth of the way from black to white. */
const FLASHES_MAX = 3;
const CHANGE = 0.1;
/** Light that goes up and down twelve times a second would still be seen to. */
const STEP_MS = 40;

describe('light', () => {
  it.each([
    ...ANIMATIONS.map((enter) => ({ enter, textEffect: 'none', seconds: 0.8 })),
    ...TEXT_EFFECTS.slice(1).map((textEffect) => ({ enter: 'zoom', textEffect, seconds: 2 })),
  ])('never flashes more than three times a second: $enter, $textEffect', async ({ enter, textEffect, seconds }) => {
    await begin({ enter, exit: enter, textEffect, font: { color: '#ffffff', accent: '#ffffff' }, card: { background: '#000000' } });
    const lights: Float32Array[] = [];
    for (let time = 0; time <= seconds * 1000; time += STEP_MS) lights.push(lightOf(await still(page, time, 'turns')));
    expect(flashesIn(lights)).toBeLessThanOrEqual(Math.floor(FLASHES_MAX * seconds));
    await end();
    const leaving: Float32Array[] = [];
    for (let time = 0; time <= 300; time += STEP_MS) leaving.push(lightOf(await still(page, time)));
    expect(flashesIn(leaving)).toBeLessThanOrEqual(1);
    await goOn();
  });

  it('counts what flashes', () => {
    const [dark, bright] = [Float32Array.of(0, 0), Float32Array.of(0, 1)];
    expect(flashesIn([dark, bright, dark, bright, dark])).toBe(2);
    expect(flashesIn([dark, bright, bright, bright])).toBe(0);
  });
});

/** Fields are squares of as many pixels, each a 144th of the picture: far less than what counts as a flash. */
const FIELD = 30;

/** The relative luminance of each field, over a stream that is grey. */
function lightOf(png: Buffer): Float32Array {
  const { width, height, data } = PNG.sync.read(png);
  const columns = Math.ceil(width / FIELD);
  const fields = new Float32Array(columns * Math.ceil(height / FIELD));
  for (let at = 0; at < data.length; at += 4) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = data.subarray(at, at + 4);
    const light = ((0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255) * (alpha / 255) + 0.2 * (1 - alpha / 255);
    const pixel = at / 4;
    const field = Math.floor(pixel / width / FIELD) * columns + Math.floor((pixel % width) / FIELD);
    fields[field] = (fields[field] ?? 0) + light / FIELD ** 2;
  }
  return fields;
}

/** Flashes of the field that flashes most: changes of light, and back again. */
function flashesIn(frames: readonly Float32Array[]): number {
  const fields = frames[0]?.length ?? 0;
  return Math.max(...Array.from({ length: fields }, (_, field) => Math.floor(turnsOf(frames.map((frame) => frame[field] ?? 0)) / 2)));
}

function turnsOf(light: readonly number[]): number {
  let [turns, direction] = [0, 0];
  let extreme = light[0] ?? 0;
  for (const value of light) {
    const change = value - extreme;
    const turned = Math.abs(change) >= CHANGE && Math.sign(change) !== direction;
    if (turned) [turns, direction] = [turns + 1, Math.sign(change)];
    // What goes on the same way is one change, however many steps it takes.
    if (turned || (direction !== 0 && Math.sign(change) === direction)) extreme = value;
  }
  return turns;
}
