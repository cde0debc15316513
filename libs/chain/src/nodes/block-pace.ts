import type { BlockHeader } from '@droppio/tips';

const PRESET_MS = 2000;
const WEIGHT = 0.2;

/** Time between blocks, learned from the blocks' own clocks. */
export class BlockPace {
  private averageMs: number | undefined;
  private last: BlockHeader | undefined;

  learn(head: BlockHeader): void {
    const { last } = this;
    if (last !== undefined && head.number <= last.number) return;
    this.last = head;
    if (last === undefined) return;
    // Each by itself: one hour of silence, or one clock that is wrong, would outweigh the next twenty blocks.
    const each = within((head.timestampMs - last.timestampMs) / (head.number - last.number));
    this.averageMs = this.averageMs === undefined ? each : this.averageMs + WEIGHT * (each - this.averageMs);
  }

  /** Between 200 ms and 15 s: a chain that stood still for an hour is no slower for it. */
  get ms(): number {
    return this.averageMs ?? PRESET_MS;
  }
}

function within(ms: number): number {
  return Math.min(15_000, Math.max(200, ms));
}
