import type { EventFrame, ReadyFrame } from '@droppio/protocol';
import type { FeedPosition } from '@droppio/tips';

/** Continuity was lost, said aloud: either these events will never come, or the server numbers anew and nothing can be said about before. */
export type Gap =
  { readonly kind: 'lost'; readonly from: number; readonly to: number } | { readonly kind: 'renumbered'; readonly epoch: string };

export type Verdict =
  /** The next one: pass it on. */
  | 'next'
  /** Dealt with before: drop it. */
  | 'repeated'
  /** Something before it is missing: resume before anything else is passed on. */
  | 'hole';

/** The order of one creator's events as this client has taken them: each seq once, none after a hole, every loss announced. */
export class Sequence {
  constructor(private taken?: FeedPosition) {}

  /** The last event dealt with: what `auth` presents. */
  get position(): FeedPosition | undefined {
    return this.taken;
  }

  /** The server says from where it goes on. */
  resume(ready: Pick<ReadyFrame, 'epoch' | 'from' | 'recovered'>): Gap | undefined {
    const before = this.taken;
    const start: FeedPosition = { epoch: ready.epoch, seq: Math.max(0, ready.from - 1) };
    if (before === undefined) {
      this.taken = start;
      return undefined;
    }
    // A head behind what was taken, and nothing recovered: the server has forgotten, and gives those numbers out again.
    const isBehindUs = !ready.recovered && start.seq < before.seq;
    if (before.epoch !== ready.epoch || isBehindUs) {
      this.taken = start;
      return { kind: 'renumbered', epoch: ready.epoch };
    }
    if (start.seq <= before.seq) return undefined;
    this.taken = start;
    return { kind: 'lost', from: before.seq + 1, to: start.seq };
  }

  take(frame: Pick<EventFrame, 'seq' | 'from' | 'type'>): Verdict {
    const { taken } = this;
    if (taken === undefined) return 'hole';
    if (frame.seq <= taken.seq) return 'repeated';
    const first = frame.from ?? frame.seq;
    // A summary that covers events already passed on would show those twice; only emptiness may overlap.
    const follows = frame.type === 'skip' ? first <= taken.seq + 1 : first === taken.seq + 1;
    if (!follows) return 'hole';
    this.taken = { epoch: taken.epoch, seq: frame.seq };
    return 'next';
  }

  /** The server announces a loss. */
  lose(from: number, to: number): Gap | Verdict {
    const { taken } = this;
    if (taken === undefined) return 'hole';
    if (to <= taken.seq) return 'repeated';
    if (from > taken.seq + 1) return 'hole';
    this.taken = { epoch: taken.epoch, seq: to };
    return { kind: 'lost', from: taken.seq + 1, to };
  }

  /** Is there an event up to `head` that has not come? */
  isBehind(head: number): boolean {
    return this.taken !== undefined && this.taken.seq < head;
  }
}
