/** A pod as far as sockets go. Times are seconds, sockets a fluid. */
export interface Pod {
  readonly readyAt: number;
  sockets: number;
  /** Told to end at this time; `undefined`: it stays. */
  leavesAt?: number;
}

/** Between being told and the first overlay that moves, and the moving itself: what the Deployment's grace period is made of. */
const PRE_STOP = 10;
const DRAIN = 60;

/**
 * Gateways behind an edge that gives each newcomer to the pod with the fewest sockets; nobody else ever moves, but from a pod that ends. A
 * Deployment keeps the number of pods, and picks who goes as Kubernetes does: those not ready first, then the newest.
 */
export class FleetModel {
  private pods: Pod[];

  constructor(
    private readonly limit: number,
    private readonly startSeconds: number,
    count: number,
    overlays: number,
  ) {
    this.pods = Array.from({ length: count }, () => ({ readyAt: 0, sockets: overlays / count }));
  }

  /** Those that count for the Deployment. */
  get staying(): readonly Pod[] {
    return this.pods.filter(({ leavesAt }) => leavesAt === undefined);
  }

  /** Those that a scrape finds. */
  running(now: number): readonly Pod[] {
    return this.pods.filter(({ readyAt }) => readyAt <= now);
  }

  get sockets(): number {
    return this.pods.reduce((sum, pod) => sum + pod.sockets, 0);
  }

  /** What is connected, also to pods that are about to end, over what the others may hold. */
  share(now: number): number {
    return this.sockets / (this.open(now).length * this.limit);
  }

  fullest(now: number): number {
    return Math.max(...this.open(now).map((pod) => pod.sockets / this.limit));
  }

  /** The Deployment's work. */
  scaleTo(count: number, now: number): void {
    while (this.staying.length < count) this.pods.push({ readyAt: now + this.startSeconds, sockets: 0 });
    const byAge = [...this.staying].sort((a, b) => Number(a.readyAt > now) - Number(b.readyAt > now) || a.readyAt - b.readyAt);
    for (const pod of byAge.slice(count)) pod.leavesAt = now;
  }

  /** The fullest one, at once. */
  kill(): void {
    const [victim] = [...this.staying].sort((a, b) => b.sockets - a.sockets);
    this.pods = this.pods.filter((pod) => pod !== victim);
  }

  /** One second with so many overlays that want to be connected. Returns how many of them were refused everywhere. */
  pass(now: number, overlays: number): number {
    this.drain(now);
    const missing = overlays - this.sockets;
    if (missing >= 0) return this.admit(now, missing);
    const left = overlays / this.sockets;
    for (const pod of this.pods) pod.sockets *= left;
    return 0;
  }

  private open(now: number): Pod[] {
    return this.pods.filter(({ readyAt, leavesAt }) => readyAt <= now && leavesAt === undefined);
  }

  private drain(now: number): void {
    for (const pod of this.pods) {
      if (pod.leavesAt === undefined) continue;
      const remaining = pod.leavesAt + PRE_STOP + DRAIN - now;
      if (remaining < DRAIN) pod.sockets *= Math.max(0, remaining) / (remaining + 1);
    }
    this.pods = this.pods.filter(({ leavesAt = Infinity }) => now < leavesAt + PRE_STOP + DRAIN);
  }

  /** As water fills connected vessels. */
  private admit(now: number, newcomers: number): number {
    const open = this.open(now).sort((a, b) => a.sockets - b.sockets);
    let rest = newcomers;
    for (let filled = 1; filled <= open.length && rest > 1e-9; filled += 1) {
      const level = Math.min(this.limit, open[filled]?.sockets ?? this.limit);
      const lowest = open.slice(0, filled);
      const room = lowest.reduce((sum, pod) => sum + level - pod.sockets, 0);
      const part = room === 0 ? 0 : Math.min(1, rest / room);
      for (const pod of lowest) pod.sockets += (level - pod.sockets) * part;
      rest -= room * part;
    }
    return Math.max(0, rest);
  }
}
