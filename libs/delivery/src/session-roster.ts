import { Injectable } from '@nestjs/common';
import { CloseCode } from '@droppio/protocol';
import { Clock } from '@droppio/tips';
import { DeliverySettings } from './delivery-settings.js';
import { OverlayMomentsLog } from './overlay-moments.js';
import type { OverlaySession } from './overlay-session.js';

interface Count {
  all: number;
  waiting: number;
}

/** Longer than a ping and the answer to it: whoever is silent for that long is most likely gone. */
const ANSWER_MS = 10_000;
/** In this time whoever means it has presented its token, also on a bad line; then its place may go to another. */
const FIRST_WORD_MS = 2000;

/** Who is connected, and how many from where: what the limits count. */
@Injectable()
export class SessionRoster {
  /** What those that are connected have to say for their overlay. */
  readonly moments = new OverlayMomentsLog();
  private readonly sessions = new Set<OverlaySession>();
  private readonly waiting = new Set<OverlaySession>();
  private readonly networks = new Map<string, Count>();
  private readonly overlays = new Map<string, Set<OverlaySession>>();

  constructor(
    private readonly settings: DeliverySettings,
    readonly clock: Clock,
  ) {}

  get size(): number {
    return this.sessions.size;
  }

  /** Those that have not presented a token yet. */
  get unauthenticated(): number {
    return this.waiting.size;
  }

  all(): IterableIterator<OverlaySession> {
    return this.sessions.values();
  }

  /** Counts it in. False: its network has too many already; it is counted all the same until it leaves. */
  enter(session: OverlaySession): boolean {
    const { maxSocketsPerIp, maxUnauthenticatedPerIp } = this.settings;
    const network = this.networks.get(session.network) ?? { all: 0, waiting: 0 };
    const isRefused = isOver(network.all, maxSocketsPerIp) || isOver(network.waiting, maxUnauthenticatedPerIp);
    this.networks.set(session.network, network);
    this.sessions.add(session);
    this.waiting.add(session);
    network.all += 1;
    network.waiting += 1;
    return !isRefused;
  }

  /**
   * Takes a place from those that have not presented a token, for one more of this network: from the network that has the most of them, from
   * whoever has been silent longest. So a few networks cannot keep all others out. False when nobody has to go.
   */
  makeRoom(network: string): boolean {
    let most = this.networks.get(network)?.waiting ?? 0;
    let silent: OverlaySession | undefined;
    // In the order of arrival.
    for (const session of this.waiting) {
      if (this.clock.now() - session.openedAt < FIRST_WORD_MS) break;
      const { waiting = 0 } = this.networks.get(session.network) ?? {};
      if (waiting <= most) continue;
      most = waiting;
      silent = session;
    }
    if (silent === undefined) return false;
    this.waitNoMore(silent);
    silent.close(CloseCode.overloaded, 'no auth while others wait', Math.round(2000 + Math.random() * 8000));
    return true;
  }

  /**
   * The session has a token that we signed. Returns the sessions to be closed for it: those of the same overlay that fell silent, when the
   * limit is reached; `undefined` when all of them are alive, so that the newcomer has to go. Streams never speak, so they count as alive.
   */
  recognise(session: OverlaySession, overlayId: string): readonly OverlaySession[] | undefined {
    this.waitNoMore(session);
    const peers = this.overlays.get(overlayId) ?? new Set();
    const silentForMs = this.settings.pingMs + ANSWER_MS;
    const isFull = isOver(peers.size, this.settings.maxSocketsPerToken);
    const silent = isFull
      ? [...peers].filter((peer) => !peer.isOpen || (peer.transport === 'websocket' && peer.silentMs > silentForMs))
      : [];
    if (isFull && silent.length === 0) return undefined;
    this.overlays.set(overlayId, peers.add(session));
    return silent;
  }

  /** Sessions of each overlay that has any here, without those that are previews of it. */
  socketsByOverlay(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [overlayId, sessions] of this.overlays) {
      let count = 0;
      for (const { isPreview } of sessions) if (!isPreview) count += 1;
      if (count > 0) counts.set(overlayId, count);
    }
    return counts;
  }

  /** Some that hold a place of this overlay can never speak, so nobody knows whether they are still there. */
  hasStreams(overlayId: string): boolean {
    return [...(this.overlays.get(overlayId) ?? [])].some(({ transport }) => transport !== 'websocket');
  }

  /** False when it had left already. */
  leave(session: OverlaySession): boolean {
    if (!this.sessions.delete(session)) return false;
    this.waitNoMore(session);
    const network = this.networks.get(session.network);
    if (network !== undefined && (network.all -= 1) === 0) this.networks.delete(session.network);
    const { overlayId } = session;
    const peers = overlayId === undefined ? undefined : this.overlays.get(overlayId);
    if (overlayId !== undefined && peers?.delete(session) === true && peers.size === 0) this.overlays.delete(overlayId);
    return true;
  }

  private waitNoMore(session: OverlaySession): void {
    const network = this.networks.get(session.network);
    if (this.waiting.delete(session) && network !== undefined) network.waiting -= 1;
  }
}

/** A limit of 0 is none. */
function isOver(count: number, limit: number): boolean {
  return limit > 0 && count >= limit;
}
