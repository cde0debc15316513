import type { Clock } from '@droppio/tips';

/** One broken promise in ten thousand is the most that is put up with. */
const TOLERATED = 1e-4;
const REMEMBERED_MS = 3_600_000;
const SLOTS = 60;

interface Slot {
  readonly at: number;
  kept: number;
  broken: number;
}

/** How many promises of the last hour were kept, minute by minute. An hour after the last broken one it starts anew. */
export class PromiseRecord {
  private slots: Slot[] = [];

  constructor(private readonly clock: Clock) {}

  note(isKept: boolean): void {
    const at = Math.floor(this.clock.now() / (REMEMBERED_MS / SLOTS));
    let slot = this.slots.at(-1);
    if (slot?.at !== at) {
      slot = { at, kept: 0, broken: 0 };
      this.slots.push(slot);
    }
    if (isKept) slot.kept += 1;
    else slot.broken += 1;
  }

  get counts(): { readonly kept: number; readonly broken: number } {
    const oldest = Math.floor(this.clock.now() / (REMEMBERED_MS / SLOTS)) - SLOTS;
    this.slots = this.slots.filter(({ at }) => at > oldest);
    return this.slots.reduce((sum, { kept, broken }) => ({ kept: sum.kept + kept, broken: sum.broken + broken }), { kept: 0, broken: 0 });
  }

  get isBad(): boolean {
    const { kept, broken } = this.counts;
    return broken > (kept + broken) * TOLERATED;
  }
}
