import { OverlayVitals, PRESENCE_TTL_MS, VITALS_LATENCIES, type OverlayMoments, type OverlayPulse } from '@droppio/tips';
import { MemoryPresence } from './memory-presence.js';

/** Beyond these the ones that were not heard of for longest are forgotten. */
const OVERLAYS_MAX = 10_000;

/** The vitals of overlays in a single process. */
export class MemoryOverlayVitals extends OverlayVitals {
  private readonly presence: MemoryPresence;
  private readonly moments = new Map<string, OverlayMoments>();

  constructor(ttlMs = PRESENCE_TTL_MS) {
    super();
    this.presence = new MemoryPresence(ttlMs);
  }

  override hold(source: string, sockets: ReadonlyMap<string, number>): Promise<void> {
    return this.presence.tell(source, sockets);
  }

  override note(moments: ReadonlyMap<string, OverlayMoments>): Promise<void> {
    for (const [overlayId, news] of moments) {
      const known = this.moments.get(overlayId) ?? { latenciesMs: [] };
      this.moments.delete(overlayId);
      this.moments.set(overlayId, merged(known, news));
    }
    for (const overlayId of this.moments.keys()) {
      if (this.moments.size <= OVERLAYS_MAX) break;
      this.moments.delete(overlayId);
    }
    return Promise.resolve();
  }

  override async of(overlayId: string): Promise<OverlayPulse> {
    const counts = await this.presence.counts([overlayId]);
    return { instances: counts.get(overlayId) ?? 0, ...(this.moments.get(overlayId) ?? { latenciesMs: [] }) };
  }

  override close(): Promise<void> {
    this.moments.clear();
    return this.presence.close();
  }
}

function merged(known: OverlayMoments, news: OverlayMoments): OverlayMoments {
  const seenAtMs = Math.max(known.seenAtMs ?? 0, news.seenAtMs ?? 0);
  const shownAtMs = Math.max(known.shownAtMs ?? 0, news.shownAtMs ?? 0);
  return {
    ...(seenAtMs > 0 && { seenAtMs }),
    ...(shownAtMs > 0 && { shownAtMs }),
    latenciesMs: [...known.latenciesMs, ...news.latenciesMs].slice(-VITALS_LATENCIES),
  };
}
