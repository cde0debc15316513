import type { Hex } from '../hex.js';

const seed = Number(process.env['DROPPIO_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
let state = seed;
let announced = false;

/** Uniform in [0, 1), from the run's printed seed (mulberry32). `DROPPIO_TEST_SEED` replays a run. */
export function random(): number {
  if (!announced) {
    announced = true;
    process.stderr.write(`test data seed: DROPPIO_TEST_SEED=${String(seed)}\n`);
  }
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

export function randomInt(below: number): number {
  return Math.floor(random() * below);
}

export function randomHex(bytes: number): Hex {
  let text = '';
  for (let i = 0; i < bytes; i += 1) text += randomInt(256).toString(16).padStart(2, '0');
  return `0x${text}`;
}
