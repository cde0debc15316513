import { CloseCode, type AuthFrame, type ClientFrame, type EventFrame, type ReadyFrame, type ServerFrame } from '@droppio/protocol';
import type { Clock } from '@droppio/tips';
import type { Closing, Transport, TransportLink } from './transport.js';

type FrameOf<Op extends ServerFrame['op']> = Extract<ServerFrame, { op: Op }>;

export interface LinkEvents {
  ready(link: Link, frame: ReadyFrame): void;
  event(link: Link, frame: EventFrame): void;
  ping(link: Link, frame: FrameOf<'ping'>): void;
  move(link: Link, frame: FrameOf<'move'>): void;
  gap(link: Link, frame: FrameOf<'gap'>): void;
  /** Once, also when the link ended itself (silence, no handshake in time); not after `close`. */
  over(link: Link, closing: Closing): void;
}

/** From opening to `ready`. Longer than the server's own 10 s for `auth`, because it may restore the creator's feed first. */
const HANDSHAKE_MS = 15_000;
const SILENCE_GRACE_MS = 10_000;
const DEFAULT_PING_MS = 25_000;
const PING_RANGE_MS = [1000, 600_000] as const;

/** One link from opening to its end: the handshake has a deadline, pings are answered, silence is taken for death. */
export class Link {
  private readonly transportLink: TransportLink;
  private readonly life = new AbortController();
  private readonly openedAt: number;
  private heardAt: number;
  private pingMs = DEFAULT_PING_MS;
  private readyAt: number | undefined;

  constructor(
    transport: Transport,
    auth: () => AuthFrame,
    private readonly clock: Clock,
    private readonly events: LinkEvents,
  ) {
    this.openedAt = this.heardAt = clock.now();
    this.transportLink = transport.open(auth, {
      frame: (frame) => {
        if (!this.life.signal.aborted) this.hear(frame);
      },
      closed: (closing) => {
        this.end(closing);
      },
    });
    void this.watch();
  }

  /** How long it has been usable. */
  get readyForMs(): number {
    return this.readyAt === undefined ? 0 : this.clock.now() - this.readyAt;
  }

  send(frame: ClientFrame): void {
    this.transportLink.send(frame);
  }

  close(code: number, why: string): void {
    this.life.abort();
    this.transportLink.close(code, why);
  }

  private hear(frame: ServerFrame): void {
    this.heardAt = this.clock.now();
    if (frame.op === 'hello') {
      const [least, most] = PING_RANGE_MS;
      this.pingMs = Math.min(most, Math.max(least, frame.pingMs));
      return;
    }
    if (frame.op === 'ready') {
      this.readyAt ??= this.heardAt;
      this.events.ready(this, frame);
      return;
    }
    if (this.readyAt !== undefined) this.hearReady(frame);
  }

  private hearReady(frame: Exclude<ServerFrame, { op: 'hello' | 'ready' }>): void {
    switch (frame.op) {
      case 'event':
        this.events.event(this, frame);
        break;
      case 'ping':
        this.send({ op: 'pong' });
        this.events.ping(this, frame);
        break;
      case 'move':
        this.events.move(this, frame);
        break;
      case 'gap':
        this.events.gap(this, frame);
        break;
    }
  }

  /** One sleeper for the whole life, not a timer per frame: it looks when the nearest deadline was when it fell asleep. */
  private async watch(): Promise<void> {
    const { signal } = this.life;
    for (;;) {
      const ready = this.readyAt !== undefined;
      const deadline = ready ? this.heardAt + this.pingMs + SILENCE_GRACE_MS : this.openedAt + HANDSHAKE_MS;
      const leftMs = deadline - this.clock.now();
      if (leftMs <= 0) {
        this.transportLink.close(CloseCode.noPong, ready ? 'silence' : 'handshake');
        this.end({ code: CloseCode.noPong, why: ready ? 'silence' : 'handshake' });
        return;
      }
      await this.clock.sleep(leftMs, signal);
      if (signal.aborted) return;
    }
  }

  private end(closing: Closing): void {
    if (this.life.signal.aborted) return;
    this.life.abort();
    this.events.over(this, closing);
  }
}
