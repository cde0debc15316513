import type { BlockHeader } from '@droppio/tips';

export interface HeadHint {
  readonly head: BlockHeader;
  readonly receivedAtMs: number;
}

const KEPT = 16;

/** Heads that were told and not looked at yet. The highest goes first: what it stands on is then known and costs nothing. */
export class HeadInbox {
  private hints: HeadHint[] = [];
  private wake: (() => void) | undefined;
  /** Highest head ever told, for lag and health. */
  highest = -1;
  /** When the last head was told, Unix milliseconds. */
  lastAtMs: number | undefined;

  offer(hint: HeadHint): void {
    this.highest = hint.head.number;
    this.lastAtMs = hint.receivedAtMs;
    this.hints = this.hints.filter(({ head }) => head.hash !== hint.head.hash);
    this.hints.push(hint);
    // Stable, so that of two rivals at one height the later one goes first.
    this.hints.sort((a, b) => a.head.number - b.head.number);
    if (this.hints.length > KEPT) this.hints.shift();
    this.poke();
  }

  /** As `offer`, and forgets what is no higher: this head was asked for after they were told. */
  replace(hint: HeadHint): void {
    this.hints = this.hints.filter(({ head }) => head.number > hint.head.number);
    this.offer(hint);
  }

  take(): HeadHint | undefined {
    return this.hints.pop();
  }

  get isEmpty(): boolean {
    return this.hints.length === 0;
  }

  poke(): void {
    this.wake?.();
  }

  /** Resolves when there is something to look at, when poked, after `ms`, or when `signal` aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.isEmpty || signal.aborted) return;
    let done = (): void => undefined;
    const woken = new Promise<void>((resolve) => {
      done = resolve;
    });
    const timer = setTimeout(done, ms);
    this.wake = done;
    signal.addEventListener('abort', done, { once: true });
    await woken;
    clearTimeout(timer);
    signal.removeEventListener('abort', done);
    this.wake = undefined;
  }
}
