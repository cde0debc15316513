import { Injectable, Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { AssetRefused, Overloaded } from '../errors.js';
import { flashesTooMuch, GRID } from './flashes.js';
import type { ImageFormat } from './sniff.js';

/** Of all frames together, 64 MiB of memory: a picture of 4096 x 4096, or a hundred frames of 400 x 400. */
export const IMAGE_MAX_PIXELS = 2 ** 24;
const SIDE_MAX = 16_383;
/** An image is drawn at most this large. */
const DRAWN_MAX = 1280;
const FRAMES_MAX = 240;
const LOOP_MAX_MS = 15_000;
const PRESSED_MAX_BYTES = 2 * 1024 * 1024;
const DEADLINE_S = 8;
/** Decoding takes memory: one at a time, and only so many wait. */
const WAITING_MAX = 3;
/** Browsers show a frame of no length as long as this. */
const DEFAULT_DELAY_MS = 100;
const LEAST_DELAY_MS = 20;

/** One thread and no memory of what was; of the decoders, only those for what is taken. SVG, PDF and their like cannot even be tried. */
sharp.concurrency(1);
sharp.cache(false);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['VipsForeignLoadPngBuffer', 'VipsForeignLoadJpegBuffer', 'VipsForeignLoadWebpBuffer', 'VipsForeignLoadNsgifBuffer'],
});

export interface PressedImage {
  readonly bytes: Buffer;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Of one turn; absent when nothing moves. */
  readonly durationMs?: number;
}

/**
 * Makes a WebP of whatever picture: nothing but pixels comes through, no metadata, no second file behind the first. A picture that moves may
 * not flash.
 */
@Injectable()
export class ImagePress {
  private readonly logger = new Logger('creators');
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  /** Throws `AssetRefused`; `Overloaded` when too many wait. */
  async press(bytes: Buffer, format: ImageFormat): Promise<PressedImage> {
    if (this.waiting >= WAITING_MAX) throw new Overloaded('Other images are being looked at.', 5);
    this.waiting += 1;
    const turn = this.last.then(() => this.pressNow(bytes, format));
    this.last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.waiting -= 1;
    }
  }

  private async pressNow(bytes: Buffer, format: ImageFormat): Promise<PressedImage> {
    try {
      const facts = await open(bytes).metadata();
      if (facts.format !== format) throw new AssetRefused('The image is not what it begins like.');
      const film = filmOf(facts);
      if (film !== undefined) await refuseFlashes(bytes, film.delaysMs);
      return await encode(bytes, film);
    } catch (error) {
      if (error instanceof AssetRefused) throw error;
      // A decoder's own words are about its inside, and some repeat what they have read.
      this.logger.debug('asset.undecodable', errorFields(error));
      if (error instanceof Error && error.message.includes('pixel limit')) throw tooManyPixels();
      throw new AssetRefused('The image cannot be decoded, or takes too long.');
    }
  }
}

interface FilmFacts {
  readonly delaysMs: number[];
  readonly loop: number;
}

function open(bytes: Buffer): Sharp {
  return sharp(bytes, { animated: true, limitInputPixels: IMAGE_MAX_PIXELS, failOn: 'error' }).timeout({ seconds: DEADLINE_S });
}

/** `undefined` for one that stands still. Throws `AssetRefused` for what is longer or larger than it may be. */
function filmOf({ width, height, pages = 1, pageHeight = height, delay = [], loop = 0 }: Metadata): FilmFacts | undefined {
  if (width > SIDE_MAX || pageHeight > SIDE_MAX || width * pageHeight * pages > IMAGE_MAX_PIXELS) {
    throw tooManyPixels();
  }
  if (pages < 2) return undefined;
  const delaysMs = Array.from({ length: pages }, (_, frame) => delayOf(delay[frame]));
  const isLong = delaysMs.reduce((sum, ms) => sum + ms, 0) > LOOP_MAX_MS;
  if (pages > FRAMES_MAX || isLong) {
    throw new AssetRefused(`A moving image may have ${String(FRAMES_MAX)} frames and last ${String(LOOP_MAX_MS / 1000)} seconds.`);
  }
  return { delaysMs, loop };
}

function tooManyPixels(): AssetRefused {
  return new AssetRefused(`An image may have ${String(IMAGE_MAX_PIXELS)} pixels, all its frames together.`);
}

function delayOf(ms = 0): number {
  return ms < LEAST_DELAY_MS ? DEFAULT_DELAY_MS : ms;
}

async function refuseFlashes(bytes: Buffer, delaysMs: readonly number[]): Promise<void> {
  const shrunk = open(bytes).resize(GRID, GRID, { fit: 'fill', kernel: 'linear' }).toColourspace('srgb').ensureAlpha();
  const pixels = await shrunk.raw().toBuffer();
  if (pixels.length !== GRID * GRID * 4 * delaysMs.length)
    throw new AssetRefused('The frames of the image are not what they are said to be.');
  if (flashesTooMuch({ pixels, delaysMs })) {
    throw new AssetRefused('The image flashes more than three times a second, which can cause seizures (WCAG 2.3.1).');
  }
}

async function encode(bytes: Buffer, film: FilmFacts | undefined): Promise<PressedImage> {
  // The camera's way up is metadata, and goes; frames have none.
  const upright = film === undefined ? open(bytes).autoOrient() : open(bytes);
  const { data, info } = await upright
    .resize({ width: DRAWN_MAX, height: DRAWN_MAX, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 88, effort: 3, ...(film === undefined ? {} : { delay: film.delaysMs, loop: film.loop }) })
    .toBuffer({ resolveWithObject: true });
  if (data.length > PRESSED_MAX_BYTES) throw new AssetRefused('The image is too detailed: as WebP it would be larger than 2 MB.');
  const frames = info.pages ?? 1;
  const durationMs = film?.delaysMs.reduce((sum, ms) => sum + ms, 0);
  return {
    bytes: data,
    width: info.width,
    height: info.pageHeight ?? info.height,
    frames,
    ...(durationMs === undefined ? {} : { durationMs }),
  };
}
