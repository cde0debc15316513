import type { CreatorEvent } from '@droppio/tips';

/** The newest events of a channel, contiguous. What a client missed for a moment is answered from here, without a question to the feed. */
export class EventRing {
  private events: CreatorEvent[] = [];

  constructor(private readonly size: number) {}

  push(event: CreatorEvent): void {
    if (this.events.length === this.size) this.events.shift();
    this.events.push(event);
  }

  /** Older events, read from the feed for one client, serve the next one too. Ignored unless they end where the ring begins. */
  prepend(older: readonly CreatorEvent[], head: number): void {
    const first = this.events[0]?.seq ?? head + 1;
    if (older.at(-1)?.seq !== first - 1) return;
    const room = this.size - this.events.length;
    if (room > 0) this.events.unshift(...older.slice(-room));
  }

  /** Everything after `seq`; `undefined` when the ring does not reach back that far. */
  after(seq: number, head: number): readonly CreatorEvent[] | undefined {
    if (seq === head) return [];
    const first = this.events[0]?.seq;
    if (first === undefined || seq < first - 1) return undefined;
    return this.events.slice(seq + 1 - first);
  }

  clear(): void {
    this.events = [];
  }
}
