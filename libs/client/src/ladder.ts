import { CloseCode, type AuthFrame } from '@droppio/protocol';
import type { Clock } from '@droppio/tips';
import { EventStreamTransport } from './event-stream-transport.js';
import { LongPollTransport } from './long-poll-transport.js';
import type { LinkListener, Transport, TransportLink } from './transport.js';
import { WallClock } from './wall-clock.js';
import { WebSocketTransport, type WebSocketConstructor } from './web-socket-transport.js';

export interface LadderOptions {
  readonly clock?: Clock;
  readonly random?: () => number;
  /** On a lower rung: how long before a better one is tried. Doubles with every try, up to half an hour. */
  readonly climbAfterMs?: number;
}

/** Links that break one after the other before a rung is left: one may be chance. */
const PATIENCE = 2;
/** A link that lived shorter proves nothing. */
const STABLE_MS = 10_000;
const CLIMB_AFTER_MS = 60_000;
const CLIMB_AFTER_MAX_MS = 1_800_000;
/** A better rung may take a whole handshake to fail; until then the one in use goes on. */
const CLIMB_GRACE_MS = 25_000;
/** Codes from here on are words of the gateway, so whatever carried them works. */
const GATEWAY_CODES = 4000;

/**
 * Several ways to the gateway, the best first. A way that breaks again and again is left for the next (after the last comes the first: then
 * it is the gateway or the network that is away). From a lower one a better one is tried now and then, make before break; where that fails,
 * nothing was lost by it. The place in the stream belongs to the connection above, so every way resumes where the one before was.
 */
export class Ladder implements Transport {
  private readonly clock: Clock;
  private readonly random: () => number;
  private readonly climbAfterMs: number;
  private level = 0;
  private failures = 0;
  private climbs = 0;
  /** What the next link is to try out. */
  private trial: number | undefined;

  constructor(
    private readonly rungs: readonly [Transport, ...Transport[]],
    options: LadderOptions = {},
  ) {
    this.clock = options.clock ?? new WallClock();
    this.random = options.random ?? Math.random;
    this.climbAfterMs = options.climbAfterMs ?? CLIMB_AFTER_MS;
  }

  /** Of the rung in use. */
  get name(): string {
    return this.rung(this.level).name;
  }

  open(auth: () => AuthFrame, listener: LinkListener): TransportLink {
    const level = this.trial ?? this.level;
    this.trial = undefined;
    const foothold = new Foothold(this.clock, {
      ready: () => {
        this.reached(level, foothold, listener);
      },
      steady: () => {
        this.failures = 0;
        if (level === 0) this.climbs = 0;
      },
      broke: () => {
        this.broke(level);
      },
    });
    return foothold.stand(this.rung(level), auth, listener);
  }

  private rung(level: number): Transport {
    return this.rungs[level] ?? this.rungs[0];
  }

  private reached(level: number, foothold: Foothold, listener: LinkListener): void {
    if (level !== this.level) this.failures = 0;
    this.level = level;
    if (level > 0) void this.climbFrom(level, foothold, listener);
  }

  private broke(level: number): void {
    // A try that failed says nothing about the rung that was in use meanwhile.
    if (level !== this.level) return;
    this.failures += 1;
    if (this.failures < PATIENCE) return;
    this.failures = 0;
    this.level = (level + 1) % this.rungs.length;
  }

  private async climbFrom(level: number, foothold: Foothold, listener: LinkListener): Promise<void> {
    const afterMs = Math.min(CLIMB_AFTER_MAX_MS, this.climbAfterMs * 2 ** Math.min(this.climbs, 20));
    await this.clock.sleep(afterMs * (0.5 + this.random() / 2), foothold.life);
    if (foothold.life.aborted) return;
    this.trial = this.climbs % level;
    this.climbs += 1;
    listener.frame({ op: 'move', afterMs: 0, graceMs: CLIMB_GRACE_MS, why: 'climb' });
  }
}

/** The usual ladder: WebSocket, server-sent events, long-poll. `gateway`: `ws(s)://host/overlay`. */
export function gatewayLadder(gateway: string, options: LadderOptions & { readonly webSocket?: WebSocketConstructor } = {}): Ladder {
  const { webSocket, clock } = options;
  return new Ladder(
    [
      new WebSocketTransport(gateway, webSocket),
      new EventStreamTransport(gateway),
      new LongPollTransport(gateway, clock === undefined ? {} : { clock }),
    ],
    options,
  );
}

interface FootholdEvents {
  ready(): void;
  /** It is over, and had lived long enough to be trusted. */
  steady(): void;
  /** It is over, too soon, and not by anybody's will. */
  broke(): void;
}

/** One link of a rung, watched from both sides: what ended it, and how long it had been of use. */
class Foothold {
  private readonly ended = new AbortController();
  private readyAt: number | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly events: FootholdEvents,
  ) {}

  get life(): AbortSignal {
    return this.ended.signal;
  }

  stand(rung: Transport, auth: () => AuthFrame, listener: LinkListener): TransportLink {
    const link = rung.open(auth, {
      frame: (frame) => {
        if (frame.op === 'ready' && this.readyAt === undefined) {
          this.readyAt = this.clock.now();
          this.events.ready();
        }
        listener.frame(frame);
      },
      closed: (closing) => {
        this.end(closing.code < GATEWAY_CODES);
        listener.closed(closing);
      },
    });
    return {
      send: (frame) => {
        link.send(frame);
      },
      close: (code, why) => {
        // Given up from above: no handshake, or silence.
        this.end(code === CloseCode.noPong);
        link.close(code, why);
      },
    };
  }

  private end(isBroken: boolean): void {
    if (this.ended.signal.aborted) return;
    this.ended.abort();
    if (this.readyAt !== undefined && this.clock.now() - this.readyAt >= STABLE_MS) this.events.steady();
    else if (isBroken) this.events.broke();
  }
}
