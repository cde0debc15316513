const SLOTS = 128;

/** Something that wants to be woken. Belongs to one wheel at most; `slot` is the wheel's own mark. */
export interface WheelEntry {
  slot: Set<WheelEntry> | undefined;
  /** Called when due. Returns in how many ms to call again, or `undefined` for never. */
  onDue(): number | undefined;
}

/**
 * One timer for everybody: a ring of slots, one of which comes due each tick. Waits are rounded up to whole ticks; those longer than one
 * turn of the ring are woken early and must look at their clock. With 20 000 sockets this is one timer instead of 20 000.
 */
export class TimingWheel {
  private readonly slots = Array.from({ length: SLOTS }, () => new Set<WheelEntry>());
  private readonly timer: NodeJS.Timeout;
  private at = 0;
  private ticks = 0;

  constructor(private readonly tickMs: number) {
    this.timer = setInterval(() => {
      this.tick();
    }, tickMs).unref();
  }

  /** Time in which this process was awake, since it began: stands still while it is stopped, and knows of no clock that is put forward. */
  get awakeMs(): number {
    return this.ticks * this.tickMs;
  }

  schedule(entry: WheelEntry, inMs: number): void {
    entry.slot?.delete(entry);
    const ticks = Math.min(SLOTS - 1, Math.max(1, Math.ceil(inMs / this.tickMs)));
    entry.slot = this.slots[(this.at + ticks) % SLOTS];
    entry.slot?.add(entry);
  }

  cancel(entry: WheelEntry): void {
    entry.slot?.delete(entry);
    entry.slot = undefined;
  }

  tick(): void {
    this.ticks += 1;
    this.at = (this.at + 1) % SLOTS;
    const slot = this.slots[this.at];
    if (slot === undefined || slot.size === 0) return;
    const due = [...slot];
    slot.clear();
    for (const entry of due) entry.slot = undefined;
    for (const entry of due) {
      const inMs = entry.onDue();
      if (inMs !== undefined) this.schedule(entry, inMs);
    }
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
