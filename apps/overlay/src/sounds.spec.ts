import { DEFAULT_OVERLAY_CONFIG, type AlertLook, type OverlayConfig } from '@droppio/tips';
import { describe, expect, it } from 'vitest';
import type { Assets } from './assets.js';
import { Sounds } from './sounds.js';

const ID = `ast_${'a'.repeat(24)}`;
const OTHER = `ast_${'b'.repeat(24)}`;
const look = (sound: AlertLook['sound'], durationMs = 8000): AlertLook => ({ ...DEFAULT_OVERLAY_CONFIG.defaults, durationMs, sound });
const wearing = (asset: string): OverlayConfig => ({ ...DEFAULT_OVERLAY_CONFIG, defaults: look({ asset, volume: 0.4 }) });

/** A page whose files last as long as they have bytes, in seconds; an empty one is no sound. */
function aStudio(seconds: number) {
  const played: (string | number)[] = [];
  const files: Pick<Assets, 'sound' | 'onReady'> = { sound: () => new ArrayBuffer(seconds), onReady: undefined };
  const chime = {
    ring: (volume: number) => void played.push('chime', volume),
    play: ({ duration }: { duration: number }, volume: number) => void played.push(duration, volume),
  };
  const decode = (file: ArrayBuffer) =>
    file.byteLength === 0 ? Promise.reject(new TypeError('no sound')) : Promise.resolve({ duration: file.byteLength });
  const sounds = new Sounds(chime, files, decode);
  const come = async (id: string): Promise<void> => {
    files.onReady?.({ kind: 'sound', id });
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { sounds, played, come };
}

describe(Sounds.name, () => {
  it('rings the chime, also for a file that has not come or cannot be played', async () => {
    const { sounds, played, come } = aStudio(0);
    sounds.wear(wearing(ID));
    sounds.play({ asset: 'chime', volume: 0.5 });
    sounds.play({ asset: ID, volume: 0.4 });
    await come(ID);
    sounds.play({ asset: ID, volume: 0.3 });
    sounds.play(null);
    expect(played).toEqual(['chime', 0.5, 'chime', 0.4, 'chime', 0.3]);
  });

  it('plays the creator’s file, and keeps the alert for a second longer than it, but never over half a minute', async () => {
    const { sounds, played, come } = aStudio(9);
    sounds.wear(wearing(ID));
    await come(ID);
    const sound = { asset: ID, volume: 0.4 };
    sounds.play(sound);
    expect(played).toEqual([9, 0.4]);
    expect(sounds.stretched(look(sound)).durationMs).toBe(10_000);
    expect(sounds.stretched(look(sound, 12_000)).durationMs).toBe(12_000);
    expect(sounds.stretched(look(null)).durationMs).toBe(8000);
    const long = aStudio(50);
    long.sounds.wear(wearing(ID));
    await long.come(ID);
    expect(long.sounds.stretched(look(sound)).durationMs).toBe(30_000);
  });

  it('keeps no file that no look names any more', async () => {
    const { sounds, played, come } = aStudio(9);
    sounds.wear(wearing(ID));
    await come(ID);
    await come(OTHER);
    sounds.wear(wearing('chime'));
    for (const asset of [ID, OTHER]) sounds.play({ asset, volume: 1 });
    expect(played).toEqual(['chime', 1, 'chime', 1]);
  });

  it('knows whether anything would be heard', () => {
    const { sounds } = aStudio(1);
    expect(sounds.isHeard).toBe(false);
    sounds.wear(wearing('chime'));
    expect(sounds.isHeard).toBe(true);
    sounds.wear({ ...DEFAULT_OVERLAY_CONFIG, defaults: look(null) });
    expect(sounds.isHeard).toBe(false);
  });

  it('plays the creator’s file again that was silent for a while, or at first', async () => {
    const { sounds, played, come } = aStudio(9);
    const silent: OverlayConfig = { ...DEFAULT_OVERLAY_CONFIG, defaults: look({ asset: ID, volume: 0 }) };
    sounds.wear(silent);
    await come(ID);
    for (let n = 0; n < 2; n += 1) {
      sounds.wear(wearing(ID));
      await new Promise((resolve) => setImmediate(resolve));
      sounds.play({ asset: ID, volume: 0.4 });
      sounds.wear(silent);
    }
    expect(played).toEqual([9, 0.4, 9, 0.4]);
  });
});
