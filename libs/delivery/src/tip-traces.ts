import type { OpenSpan, Traces } from '@droppio/platform';
import type { CreatorEvent } from '@droppio/tips';

/** Alerts that may still be reported to be on a screen; the oldest are forgotten. */
const AWAITED_MOST = 1000;

/** This process's part of tips' traces: one span a tip, however many sockets it goes to, and one for the first screen that it is on. */
export class TipTraces {
  private readonly awaited = new Map<string, string>();

  constructor(private readonly traces: Traces) {}

  get isOn(): boolean {
    return this.traces.isOn;
  }

  /** Begins the spans of those events that somebody traces; `undefined`: of none. */
  fanOut(creatorId: string, events: readonly CreatorEvent[], sockets: number): Pick<OpenSpan, 'end'> | undefined {
    const spans: OpenSpan[] = [];
    for (const { trace, type, seq } of events) {
      const attributes = { 'droppio.event_type': type, 'droppio.seq': seq, 'droppio.sockets': sockets };
      const span = this.traces.take(trace, { name: 'tip.fanout', kind: 'consumer', attributes });
      if (span === undefined) continue;
      spans.push(span);
      this.await(keyOf(creatorId, seq), span.parent);
    }
    if (spans.length === 0) return undefined;
    return {
      end: () => {
        for (const span of spans) span.end();
      },
    };
  }

  /** The first report of an alert; those of other overlays add nothing. */
  shown(creatorId: string, seq: number): void {
    const key = keyOf(creatorId, seq);
    const parent = this.awaited.get(key);
    if (!this.awaited.delete(key)) return;
    this.traces.take(parent, { name: 'tip.shown', attributes: { 'droppio.seq': seq } })?.end();
  }

  private await(key: string, parent: string): void {
    const [oldest] = this.awaited.keys();
    if (oldest !== undefined && this.awaited.size >= AWAITED_MOST) this.awaited.delete(oldest);
    this.awaited.set(key, parent);
  }
}

const keyOf = (creatorId: string, seq: number): string => `${creatorId} ${String(seq)}`;
