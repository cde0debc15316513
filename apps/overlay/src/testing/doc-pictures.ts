import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { expect } from 'vitest';
import { DRAWS_ANEW } from './stills.js';

const MAX_BYTES = 100 * 1024;

/** Stands in for the stream under the page. */
export async function backdrop(page: Page): Promise<void> {
  await page.evaluate(() => {
    document.documentElement.style.background = 'linear-gradient(#22314f, #2f2850)';
  });
}

/** The picture in the docs: it is there, small, and of this size; `npm run test:snapshots` takes it anew. */
export function expectPicture(png: Buffer, name: string): void {
  const file = fileURLToPath(new URL(`../../../../docs/images/${name}.png`, import.meta.url));
  if (DRAWS_ANEW) writeFileSync(file, png);
  const kept = readFileSync(file);
  expect(kept.length).toBeLessThanOrEqual(MAX_BYTES);
  const [drawn, { width, height }] = [PNG.sync.read(png), PNG.sync.read(kept)];
  expect([width, height]).toEqual([drawn.width, drawn.height]);
}
