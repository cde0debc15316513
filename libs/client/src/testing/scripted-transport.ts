import type { AuthFrame, ClientFrame, EventFrame, ServerFrame, TipFrame } from '@droppio/protocol';
import { aDisplay } from '@droppio/tips/testing';
import type { Closing, LinkListener, Transport, TransportLink } from '../transport.js';

/** One link as the server's side sees it: the test says what comes. */
export class ScriptedLink implements TransportLink {
  readonly sent: ClientFrame[] = [];
  closedWith: { code: number; why: string } | undefined;

  constructor(
    private readonly ask: () => AuthFrame,
    private readonly listener: LinkListener,
  ) {}

  get isOpen(): boolean {
    return this.closedWith === undefined;
  }

  /** What the client presented when it was last asked. */
  get auth(): AuthFrame | undefined {
    return this.sent.find((frame) => frame.op === 'auth');
  }

  hello(pingMs = 25_000): void {
    if (!this.isOpen) return;
    this.send(this.ask());
    this.say({ op: 'hello', v: 1, sid: 'test', pingMs });
  }

  ready(from: number, head: number, epoch = 'e1', recovered = true): void {
    this.say({ op: 'ready', epoch, head, from, recovered, config: { schemaVersion: 1, durationMs: 8000 } });
  }

  say(frame: ServerFrame): void {
    if (this.isOpen) this.listener.frame(frame);
  }

  drop(closing: Closing = { code: 1006 }): void {
    if (!this.isOpen) return;
    this.closedWith = { code: closing.code, why: 'dropped' };
    this.listener.closed(closing);
  }

  send(frame: ClientFrame): void {
    if (this.isOpen) this.sent.push(frame);
  }

  close(code: number, why: string): void {
    this.closedWith ??= { code, why };
  }
}

export class ScriptedTransport implements Transport {
  readonly name = 'scripted';
  readonly links: ScriptedLink[] = [];

  open(auth: () => AuthFrame, listener: LinkListener): ScriptedLink {
    const link = new ScriptedLink(auth, listener);
    this.links.push(link);
    return link;
  }

  get last(): ScriptedLink {
    const link = this.links.at(-1);
    if (link === undefined) throw new Error('nothing was opened');
    return link;
  }
}

export function aTipFrame(seq: number, fields: Partial<TipFrame> = {}): TipFrame {
  const d = fields.d ?? aDisplay();
  return {
    op: 'event',
    seq,
    id: d.tipId,
    type: 'tip',
    // When a ManualClock begins.
    at: { block: 1_699_999_998_000, seen: 1_700_000_000_000 },
    ttlMs: 600_000,
    state: 'confirmed',
    rev: 1,
    d,
    ...fields,
  };
}

export function aTestFrame(seq: number): Extract<EventFrame, { type: 'test' }> {
  const { op, id, at, ttlMs, d } = aTipFrame(seq);
  return { op, seq, id, type: 'test', at, ttlMs, d };
}

/** Lets everything that is due happen; timers of a ManualClock included, once it was advanced. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
