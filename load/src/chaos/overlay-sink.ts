import type { CreatorEvent, FeedSignal, RelayQueue, TipEvent, TipFeed } from '@droppio/tips';

const PAGE = 256;
const NUDGE_EVERY_MS = 300;

/**
 * An overlay's eyes: subscribes to a creator's feed, resumes from its cursor whenever anything may be missing, and keeps count of what it
 * would have shown.
 */
export class OverlaySink {
  readonly faults: string[] = [];
  /** How often each tip played its alert. */
  readonly alerts = new Map<string, number>();
  /** The newest event of each tip. */
  readonly tips = new Map<string, TipEvent>();
  cursor = 0;
  private isOver = false;
  private work: Promise<void> = Promise.resolve();
  private leave: () => Promise<void> = () => Promise.resolve();

  constructor(
    readonly creatorId: string,
    private readonly feed: TipFeed,
    private readonly queue: RelayQueue,
  ) {}

  async open(): Promise<void> {
    const subscription = await this.feed.subscribe(this.creatorId, (signal) => {
      this.hear(signal);
    });
    this.leave = () => subscription.close();
    this.catchUp();
  }

  /** Looks whether the feed has more, as a heartbeat would. */
  catchUp(): void {
    this.work = this.work.then(() => this.read());
  }

  async close(): Promise<void> {
    this.isOver = true;
    await this.work;
    await this.leave();
  }

  private hear(signal: FeedSignal): void {
    this.work = this.work.then(() => {
      if (signal.kind === 'event' && signal.event.seq === this.cursor + 1) this.show(signal.event);
      else if (signal.kind !== 'event' || signal.event.seq > this.cursor) return this.read();
      return undefined;
    });
  }

  /** Never rejects: with Redis away the next heartbeat looks again. */
  private async read(): Promise<void> {
    if (this.isOver) return;
    try {
      const page = await this.feed.after(this.creatorId, this.cursor, PAGE);
      if (page === undefined) await this.askForRestore();
      else if (!page.complete) this.faults.push(`creator ${this.creatorId}: events after ${String(this.cursor)} are no longer kept`);
      else for (const event of page.events) this.show(event);
    } catch {
      // Told by the oracle, should it never come back.
    }
  }

  private async askForRestore(): Promise<void> {
    await this.queue.nudge({ creatorId: this.creatorId, task: 'restore' }, { live: true });
    await new Promise((resolve) => setTimeout(resolve, NUDGE_EVERY_MS));
  }

  private show(event: CreatorEvent): void {
    if (event.seq !== this.cursor + 1) {
      this.faults.push(`creator ${this.creatorId}: event ${String(event.seq)} came after ${String(this.cursor)}`);
      if (event.seq <= this.cursor) return;
    }
    this.cursor = event.seq;
    if (event.type !== 'tip' && event.type !== 'tip.updated' && event.type !== 'tip.retracted') return;
    if (event.type === 'tip') this.alerts.set(event.id, (this.alerts.get(event.id) ?? 0) + 1);
    this.tips.set(event.id, event);
  }
}
