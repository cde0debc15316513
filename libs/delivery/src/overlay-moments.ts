import { VITALS_LATENCIES, type OverlayMoments } from '@droppio/tips';

/** Beyond these nothing is noted until some were told: an estimate may miss some, a gateway may not run out of memory. */
const OVERLAYS_MAX = 20_000;

interface Noted {
  seenAtMs?: number;
  shownAtMs?: number;
  readonly latenciesMs: number[];
}

/** What pages have said since it was last told to the fleet. A report costs one look into a map. */
export class OverlayMomentsLog {
  private readonly noted = new Map<string, Noted>();

  get size(): number {
    return this.noted.size;
  }

  shown(overlayId: string, atMs: number, latencyMs: number): void {
    const noted = this.of(overlayId);
    if (noted === undefined) return;
    noted.shownAtMs = atMs;
    if (noted.latenciesMs.length < VITALS_LATENCIES) noted.latenciesMs.push(latencyMs);
  }

  seen(overlayId: string, atMs: number): void {
    const noted = this.of(overlayId);
    if (noted !== undefined) noted.seenAtMs = atMs;
  }

  /** Takes the oldest out. */
  take(limit: number): ReadonlyMap<string, OverlayMoments> {
    const taken = new Map([...this.noted].slice(0, limit));
    for (const overlayId of taken.keys()) this.noted.delete(overlayId);
    return taken;
  }

  private of(overlayId: string): Noted | undefined {
    const known = this.noted.get(overlayId);
    if (known !== undefined || this.noted.size >= OVERLAYS_MAX) return known;
    const fresh: Noted = { latenciesMs: [] };
    this.noted.set(overlayId, fresh);
    return fresh;
  }
}
