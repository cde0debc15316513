import { randomBytes } from 'node:crypto';
import { CloseCode, closeReason, parseClientFrame, type AuthFrame, type ClientFrame, type ServerFrame } from '@droppio/protocol';
import type { OverlayClaim } from '@droppio/protocol/overlay-token';
import type { OverlayGrant } from '@droppio/tips';
import type { CreatorChannel } from './creator-channel.js';
import { FrameBatch } from './frame-batch.js';
import type { OverlayLink, TransportName } from './overlay-link.js';
import type { SessionHost } from './session-host.js';
import type { WheelEntry } from './timing-wheel.js';
import { TokenBucket } from './token-bucket.js';

export type Credentials = Pick<AuthFrame, 'token' | 'cursor'>;

/** Frames a client may send at once, and a second, control frames included. A page sends a pong every 25 s and a `shown` per alert. */
const INBOUND_BURST = 20;
const INBOUND_PER_SECOND = 1;
/** A socket that has become too old gets this long to be replaced by a new one. */
const MOVE_WITHIN_MS = 5000;
const MOVE_GRACE_MS = 10_000;

/** One overlay's connection, from hello to close: `new` → `admitting` → `live` → `over`. */
export class OverlaySession implements WheelEntry {
  readonly sid = randomBytes(9).toString('base64url');
  readonly openedAt: number;
  slot: Set<WheelEntry> | undefined;
  /** In the wheel's time. A clock that is put forward would otherwise make all sockets look dead at once. */
  private heardAt: number;
  private phase: 'new' | 'admitting' | 'live' | 'over' = 'new';
  private claim: OverlayClaim | undefined;
  private channel: CreatorChannel | undefined;
  private readonly inbound: TokenBucket;
  private pingAt = 0;
  private moveAt = Infinity;
  private moving = false;
  private pingedAt: number | undefined;
  private closeCode: number | undefined;
  private budget: number;

  constructor(
    private readonly link: OverlayLink,
    /** What limits count it under. */
    readonly network: string,
    private readonly host: SessionHost,
    /** A page that is only looked at: it counts against the limits, and not in the health of its overlay. */
    readonly isPreview = false,
  ) {
    this.openedAt = host.clock.now();
    this.heardAt = host.wheel.awakeMs;
    this.inbound = new TokenBucket(INBOUND_PER_SECOND, INBOUND_BURST, this.openedAt);
    this.budget = host.settings.socketBufferBytes;
  }

  get isOpen(): boolean {
    return this.phase !== 'over';
  }

  get isLive(): boolean {
    return this.phase === 'live';
  }

  /** How long nothing has come from it, though it would have been heard. */
  get silentMs(): number {
    return this.host.wheel.awakeMs - this.heardAt;
  }

  get overlayId(): string | undefined {
    return this.claim?.overlayId;
  }

  get queuedBytes(): number {
    return this.link.queuedBytes;
  }

  get transport(): TransportName {
    return this.link.transport;
  }

  /** Says hello. Credentials that came with the URL are used at once; otherwise the first frame must bring them. */
  open(credentials: Credentials | undefined): void {
    const { settings, wheel } = this.host;
    this.link.write(new FrameBatch([{ op: 'hello', v: 1, sid: this.sid, pingMs: settings.pingMs }]));
    wheel.schedule(this, settings.authTimeoutMs);
    if (credentials !== undefined) this.authenticate(credentials);
  }

  /** Tells who it is, before anything about it is known to be allowed. */
  identify(claim: OverlayClaim): void {
    this.claim = claim;
  }

  /** The channel it is to be part of, and leaves when it ends. */
  sit(channel: CreatorChannel): void {
    this.channel = channel;
  }

  /** Closes unless the overlay's grant still covers this token. Returns whether it does. */
  heed(grant: OverlayGrant): boolean {
    if (!grant.enabled) this.close(CloseCode.overlayDisabled, 'overlay disabled');
    else if (this.claim?.version !== grant.version) this.close(CloseCode.badToken, 'token revoked');
    return this.isOpen;
  }

  /** From now on events are delivered. A replay may be bigger than what a socket may owe, so it is not held against this one. */
  start(welcome: FrameBatch): void {
    const { settings, clock, wheel } = this.host;
    this.phase = 'live';
    this.budget += welcome.size;
    this.write(welcome);
    this.host.metrics.traffic.admission.observe((clock.now() - this.openedAt) / 1000);
    // The first ping comes at a random moment, so that those who came together are not pinged together for ever.
    this.pingAt = clock.now() + settings.pingMs * (0.5 + Math.random() / 2);
    if (settings.maxAgeMs > 0) this.moveAt = clock.now() + settings.maxAgeMs * (1 + Math.random());
    wheel.schedule(this, this.pingAt - clock.now());
  }

  deliver(batch: FrameBatch): void {
    if (this.phase !== 'live') return;
    if (this.link.queuedBytes + batch.size <= this.budget) {
      this.write(batch);
      return;
    }
    if (batch.events > 0) this.host.metrics.losses.failed.inc({ reason: 'slow' }, batch.events);
    this.shed();
  }

  /** It does not read fast enough, for its own budget or for that of the process. */
  shed(): void {
    if (!this.isOpen) return;
    this.host.metrics.fanOut.slowCloses.inc();
    this.close(CloseCode.slowConsumer, 'slow consumer', spread(1000, 5000));
  }

  receive(text: string): void {
    if (!this.heard()) return;
    const { traffic } = this.host.metrics;
    const frame = parseClientFrame(text);
    traffic.receivedBytes.inc(text.length);
    traffic.received.inc({ op: frame?.op ?? 'malformed' });
    if (frame === undefined) this.close(CloseCode.malformedFrame, 'not a frame of this protocol');
    else this.obey(frame);
  }

  receiveBinary(): void {
    if (!this.heard()) return;
    this.host.metrics.traffic.received.inc({ op: 'malformed' });
    this.close(CloseCode.malformedFrame, 'binary frame');
  }

  /** Anything at all came in. False when that was too much. */
  heard(): boolean {
    if (this.phase === 'over') return false;
    this.heardAt = this.host.wheel.awakeMs;
    if (this.inbound.take(this.host.clock.now())) return true;
    this.close(CloseCode.overloaded, 'too many frames', spread(30_000, 60_000));
    return false;
  }

  move(frame: Extract<ServerFrame, { op: 'move' }>): void {
    if (this.phase === 'live') this.deliver(new FrameBatch([frame]));
  }

  close(code: CloseCode, why: string, retryMs?: number): void {
    if (this.phase === 'over') return;
    this.closeCode = code;
    this.leave();
    this.link.close(code, closeReason(why, retryMs));
  }

  /** The link is gone; `code` is what it ended with. */
  closed(code: number): void {
    this.leave();
    this.host.left(this, this.closeCode ?? code);
  }

  onDue(): number | undefined {
    const { settings, clock } = this.host;
    const now = clock.now();
    if (this.phase === 'new') return this.awaitAuth(now, settings.authTimeoutMs);
    if (this.phase !== 'live') return undefined;
    // A one-way client cannot answer; its connection tells of its end, or what it owes does.
    const deadInMs = this.transport === 'websocket' ? settings.deadMs - this.silentMs : Infinity;
    if (deadInMs <= 0) {
      this.close(CloseCode.noPong, 'no pong', spread(0, 1000));
      return undefined;
    }
    if (now >= this.pingAt && this.channel !== undefined) {
      this.deliver(this.channel.pingBatch());
      this.pingedAt ??= now;
      this.pingAt = now + settings.pingMs;
    }
    if (now >= this.moveAt) this.growOld(now);
    return this.isOpen ? Math.min(this.pingAt - now, deadInMs, this.moveAt - now) : undefined;
  }

  /** Old sockets stay where they are while new gateways stand empty: it is asked to connect anew, wherever it may land. */
  private growOld(now: number): void {
    if (this.moving) {
      this.close(CloseCode.rebalance, 'rebalance', 0);
      return;
    }
    this.moving = true;
    this.move({ op: 'move', afterMs: spread(0, MOVE_WITHIN_MS), graceMs: MOVE_GRACE_MS, why: 'rebalance' });
    this.moveAt = now + MOVE_WITHIN_MS + MOVE_GRACE_MS;
  }

  private awaitAuth(now: number, timeoutMs: number): number | undefined {
    const leftMs = this.openedAt + timeoutMs - now;
    if (leftMs > 0) return leftMs;
    this.close(CloseCode.authTimeout, 'no auth in time');
    return undefined;
  }

  private obey(frame: ClientFrame): void {
    if (frame.op === 'auth') {
      if (this.phase === 'new') this.authenticate(frame);
      else this.close(CloseCode.malformedFrame, 'already authenticated');
    } else if (this.phase === 'new') this.close(CloseCode.malformedFrame, 'auth comes first');
    else if (frame.op === 'shown') this.hasShown(frame);
    else if (this.pingedAt !== undefined) {
      this.host.metrics.sockets.pingRtt.observe((this.host.clock.now() - this.pingedAt) / 1000);
      this.pingedAt = undefined;
    }
  }

  private hasShown({ seq, ms }: Extract<ClientFrame, { op: 'shown' }>): void {
    if (this.isPreview) return;
    this.host.metrics.traffic.shown.inc();
    this.host.metrics.fanOut.latency.observe({ stage: 'shown' }, ms / 1000);
    this.channel?.shown(seq);
    if (this.claim !== undefined) this.host.roster.moments.shown(this.claim.overlayId, this.host.clock.now(), ms);
  }

  private authenticate({ token, cursor }: Credentials): void {
    this.phase = 'admitting';
    this.host.admit(this, { token, cursor });
  }

  private write(batch: FrameBatch): void {
    const { tally } = this.host.metrics;
    tally.events += batch.events;
    tally.bytes += batch.size;
    this.link.write(batch);
  }

  private leave(): void {
    this.phase = 'over';
    this.host.wheel.cancel(this);
    if (this.claim !== undefined) this.channel?.leave(this, this.claim.overlayId);
    this.channel = undefined;
  }
}

function spread(fromMs: number, toMs: number): number {
  return Math.round(fromMs + Math.random() * (toMs - fromMs));
}
