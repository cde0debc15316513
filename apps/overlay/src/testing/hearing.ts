import type { BrowserContext, Page } from 'playwright-core';

/** Three seconds of silence as a WAV file: 8 bits, 8 kHz. */
export function silence(seconds = 3): Buffer {
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

/** As in OBS; what sounds is noted in the page. */
export async function hearing(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
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
}

/** Seconds of each sound of the creator's own, and `chime` for each of its two notes. */
export const heardOn = (page: Page): Promise<unknown[]> => page.evaluate(() => Reflect.get(window, 'heard') as unknown[]);
