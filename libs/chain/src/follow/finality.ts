import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import type { BlockRef, ChainReader, Clock, Hex } from '@droppio/tips';
import type { BlockWindow } from './block-window.js';

export interface Marks {
  readonly safe?: BlockRef;
  readonly finalized?: BlockRef;
}

const LEAST_PAUSE_MS = 1000;

/**
 * Knows how far the chain is settled: by its own `safe` and `finalized` tags, by depth only where there are none. Asks in the background, so
 * that no block waits for it.
 */
export class Finality {
  private readonly logger = new Logger('chain');
  private tags: Marks & { readonly known: boolean } = { known: false };
  private applied: Marks = {};
  private floor = -1;
  private askedAtMs = -Infinity;
  private askedAt: Hex | undefined;
  private asking = false;

  constructor(
    private readonly reader: ChainReader,
    private readonly clock: Clock,
    private readonly depth: number,
    private readonly changed: () => void,
  ) {}

  /** Height below which nothing may be undone: what was applied to the ledger, or begun to be. */
  get finalizedNumber(): number {
    return this.floor;
  }

  /** Asks for the tags unless that was done just now, or already at this tip. Never rejects. */
  async refresh(tip?: Hex): Promise<void> {
    if (this.asking || (tip !== undefined && tip === this.askedAt) || this.clock.now() - this.askedAtMs < LEAST_PAUSE_MS) return;
    this.asking = true;
    this.askedAtMs = this.clock.now();
    this.askedAt = tip;
    try {
      const [safe, finalized] = await Promise.all([this.reader.tagged('safe'), this.reader.tagged('finalized')]);
      this.tags = { known: true, ...(safe === undefined ? {} : { safe }), ...(finalized === undefined ? {} : { finalized }) };
      this.changed();
    } catch (error) {
      this.askedAt = undefined;
      this.logger.debug('finality.failed', errorFields(error));
    } finally {
      this.asking = false;
    }
  }

  /** What is settled and not applied yet; `undefined`: nothing new. Heights that we have not committed, or committed differently, are left out. */
  due(window: BlockWindow): Marks | undefined {
    const { tip } = window;
    if (!this.tags.known || tip === undefined) return undefined;
    const byDepth = window.at(tip.number - this.depth);
    const finalized = this.usable(this.tags.finalized ?? byDepth, window, this.applied.finalized);
    const safe = this.usable(this.tags.safe ?? this.tags.finalized ?? byDepth, window, this.applied.safe);
    if (finalized === undefined && safe === undefined) return undefined;
    return { ...(safe === undefined ? {} : { safe }), ...(finalized === undefined ? {} : { finalized }) };
  }

  /** `isAll`: every tip below these marks was raised; else they stay due. */
  applies(marks: Marks, isAll: boolean): void {
    this.floor = Math.max(this.floor, marks.finalized?.number ?? -1);
    if (isAll) this.applied = { ...this.applied, ...marks };
  }

  private usable(mark: BlockRef | undefined, window: BlockWindow, applied: BlockRef | undefined): BlockRef | undefined {
    if (mark === undefined || mark.hash === applied?.hash || mark.number < (applied?.number ?? 0)) return undefined;
    const { tip, oldest } = window;
    if (tip === undefined || oldest === undefined || mark.number > tip.number) return undefined;
    // Older than what we remember: every block of the window stands on it, since a fork below the window stops the chain.
    if (mark.number < oldest.number) return { number: mark.number, hash: mark.hash };
    return window.at(mark.number)?.hash === mark.hash ? { number: mark.number, hash: mark.hash } : undefined;
  }
}
