import type { BackfillProgress } from '@droppio/chain';

export interface Tally {
  readonly stored: number;
  readonly known: number;
}

interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const BAR = 24;
const LINE_EVERY_MS = 5000;
const n = (value: number): string => value.toLocaleString('en-US');

/** Shows how far a backfill is: a bar that is drawn anew in a terminal, now and then a line elsewhere. */
export class ProgressLine {
  private readonly startedAtMs: number;
  private shownAtMs = -Infinity;
  private isDrawn = false;

  constructor(
    private readonly out: Terminal,
    private readonly now: () => number = Date.now,
  ) {
    this.startedAtMs = now();
  }

  show(progress: BackfillProgress, tally: Tally): void {
    const text = this.text(progress, tally);
    if (this.out.isTTY === true) {
      this.out.write(`\r${bar(progress)} ${text}\u001b[K`);
      this.isDrawn = true;
    } else if (this.now() - this.shownAtMs >= LINE_EVERY_MS) {
      this.shownAtMs = this.now();
      this.out.write(`${text}\n`);
    }
  }

  /** Leaves the bar where it is. */
  end(): void {
    if (this.isDrawn) this.out.write('\n');
    this.isDrawn = false;
  }

  private text({ total, remaining, failed, waitsFor }: BackfillProgress, { stored }: Tally): string {
    const done = total - remaining;
    const perSecond = (done / Math.max(1, this.now() - this.startedAtMs)) * 1000;
    const left = remaining > 0 && perSecond > 0 ? `, about ${duration(remaining / perSecond)} left` : '';
    const faults = failed.length === 0 ? '' : `, ${n(failed.length)} failed`;
    const wait = waitsFor === undefined ? '' : `, waiting (${waitsFor})`;
    return `${String(percent(total, remaining))} %: ${n(done)} of ${n(total)} blocks, ${n(stored)} new tips found here, ${n(Math.round(perSecond))} blocks/s${left}${faults}${wait}`;
  }
}

function percent(total: number, remaining: number): number {
  return total === 0 ? 100 : Math.floor(((total - remaining) / total) * 100);
}

function bar({ total, remaining }: BackfillProgress): string {
  const filled = Math.floor((percent(total, remaining) / 100) * BAR);
  return `[${'█'.repeat(filled)}${'·'.repeat(BAR - filled)}]`;
}

function duration(seconds: number): string {
  if (seconds < 90) return `${String(Math.ceil(seconds))} s`;
  if (seconds < 5400) return `${String(Math.round(seconds / 60))} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
