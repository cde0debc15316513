import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import pixelmatch from 'pixelmatch';
import type { Page } from 'playwright-core';
import { PNG } from 'pngjs';

/** `npm run test:snapshots` draws anew what is kept: look at every changed picture before it is committed. */
export const DRAWS_ANEW = process.env['DROPPIO_DRAW'] === '1';

/** How far a colour may be off, by pixelmatch's measure. */
const COLOUR_OFF = 0.15;
/** In how many of all pixels: another machine's edges of letters, not a card at another place, or of another light. */
export const SHARE_OFF = 0.01;
/** Where only letters move: a third of what differs between letters that move and letters that do not. */
export const LETTERS_OFF = 0.001;

/**
 * Stops every animation of the page at one moment of its own time, and takes a picture; what is transparent stays so. The coin, which turns by
 * itself, has come to rest where nothing else is said.
 */
export async function still(page: Page, atMs: number, coin: 'rests' | 'turns' = 'rests'): Promise<Buffer> {
  await page.evaluate(
    async ([time, rests]) => {
      await document.fonts.ready;
      for (const animation of document.getAnimations()) {
        const { effect } = animation;
        if (rests && effect instanceof KeyframeEffect && effect.target?.matches('.coin') === true) {
          animation.finish();
          continue;
        }
        animation.pause();
        animation.currentTime = time;
      }
    },
    [atMs, coin === 'rests'] as const,
  );
  return page.screenshot({ omitBackground: true });
}

/** Which share of the pixels differs from the kept picture; pictures of another size differ wholly. */
export function differs(png: Buffer, name: string): number {
  const file = fileURLToPath(new URL(`../snapshots/${name}.png`, import.meta.url));
  if (DRAWS_ANEW) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, png);
  }
  if (!existsSync(file)) throw new Error(`There is no snapshot ${name}: npm run test:snapshots draws it.`);
  const [drawn, kept] = [PNG.sync.read(png), PNG.sync.read(readFileSync(file))];
  if (drawn.width !== kept.width || drawn.height !== kept.height) return 1;
  const off = pixelmatch(drawn.data, kept.data, undefined, drawn.width, drawn.height, { threshold: COLOUR_OFF });
  return off / (drawn.width * drawn.height);
}
