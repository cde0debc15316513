import { describe, expect, it } from 'vitest';
import { alertOf, until, useTheatre } from './testing/overlay-theatre.js';

const theatre = useTheatre();
const SOUND = `ast_${'5'.repeat(24)}`;
const IMAGE = `ast_${'6'.repeat(24)}`;
const MISSING = `ast_${'7'.repeat(24)}`;

/** Three seconds of silence as a WAV file: 8 bits, 8 kHz. */
function silence(seconds = 3): Buffer {
  const [rate, size] = [8000, 8000 * seconds];
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + size, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(size, 40);
  return Buffer.concat([head, Buffer.alloc(size, 128)]);
}

const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

describe('what a creator has uploaded', () => {
  it('is shown and heard, and an alert without it is not late', async () => {
    await theatre.context.addInitScript(() => {
      Reflect.set(window, 'obsstudio', { pluginVersion: '2.26.4' });
      const heard: unknown[] = [];
      Reflect.set(window, 'heard', heard);
      window.AudioContext = class extends AudioContext {
        override createBufferSource(): AudioBufferSourceNode {
          const source = super.createBufferSource();
          const start = source.start.bind(source);
          source.start = () => {
            heard.push(source.buffer?.duration);
            start();
          };
          return source;
        }
        override createOscillator(): OscillatorNode {
          heard.push('chime');
          return super.createOscillator();
        }
      };
    });
    await theatre.context.route(`**/media/${SOUND}`, (route) => route.fulfill({ body: silence(), contentType: 'audio/wav' }));
    await theatre.context.route(`**/media/${IMAGE}`, (route) => route.fulfill({ body: PIXEL, contentType: 'image/png' }));
    const { chainId, token } = theatre.eth('1');
    theatre.gateway.config = {
      schemaVersion: 1,
      defaults: { durationMs: 2000, sound: { asset: SOUND, volume: 0.5 }, image: { asset: IMAGE, maxHeightPct: 20 } },
      tiers: [
        {
          id: 'lost',
          when: { all: [{ field: 'amount', chainId, token, op: '>=', raw: '1000000000000000000' }] },
          override: { sound: { asset: MISSING, volume: 0.5 }, image: { asset: MISSING, maxHeightPct: 20 } },
        },
      ],
    };
    const { page } = await theatre.spectate();
    await page.waitForFunction((id) => performance.getEntriesByName(new URL(`media/${id}`, location.href).href).length > 0, SOUND);
    await page.waitForFunction((id) => performance.getEntriesByName(new URL(`media/${id}`, location.href).href).length > 0, IMAGE);
    const heard = () => page.evaluate((): unknown => Reflect.get(window, 'heard'));
    const own = theatre.tip({ amount: theatre.eth('5') });
    await alertOf(page, own.tipId).waitFor();
    const shownAt = Date.now();
    expect(await page.locator('[data-alert] .picture').evaluate((image) => image instanceof HTMLImageElement && image.complete)).toBe(true);
    expect(await page.locator('[data-alert] .coin').count()).toBe(0);
    await until(async () => JSON.stringify(await heard()) === '[3]');
    await alertOf(page, own.tipId).waitFor({ state: 'detached' });
    // Not after two seconds, but one after its sound.
    expect(Date.now() - shownAt).toBeGreaterThan(3500);
    const lost = theatre.tip({ amount: theatre.eth('1000000000000000000') });
    await alertOf(page, lost.tipId).waitFor();
    expect(await page.locator('[data-alert] .picture').count()).toBe(0);
    await until(async () => JSON.stringify(await heard()) === '[3,"chime","chime"]');
  });
});

describe('a browser that wants a click first', () => {
  it.each([true, false])('is asked for one, but never on a stream (inside OBS: %s)', async (inObs) => {
    if (inObs) await theatre.context.addInitScript(() => Reflect.set(window, 'obsstudio', { pluginVersion: '2.26.4' }));
    // Whoever drives the browser from outside counts as a person who clicks.
    await theatre.context.addInitScript(() => {
      Object.defineProperty(navigator, 'userActivation', { value: { hasBeenActive: false } });
    });
    const { page } = await theatre.spectate();
    const note = page.getByText('Click to enable sound');
    // The config is worn by then.
    await alertOf(page, theatre.tip().tipId).waitFor();
    expect(await note.isVisible()).toBe(!inObs);
    await page.mouse.click(5, 5);
    await until(async () => !(await note.isVisible()));
  });

  it('is not asked for one where nothing would sound', async () => {
    theatre.gateway.config = { schemaVersion: 1, defaults: { sound: null } };
    const { page } = await theatre.spectate();
    await alertOf(page, theatre.tip().tipId).waitFor();
    expect(await page.getByText('Click to enable sound').isVisible()).toBe(false);
  });
});
