import { setTimeout as sleep } from 'node:timers/promises';
import { OverlayConnection, WebSocketTransport, type Closing, type Transport } from '@droppio/client';
import type { EventFrame } from '@droppio/protocol';
import { WebSocket } from 'ws';
import type { Streamer } from './tip-source.js';

/** What one overlay has seen, and how its links ended. */
export class CrowdOverlay {
  readonly seqs: number[] = [];
  readonly alerts: string[] = [];
  gaps = 0;
  links = 0;
  /** From the making of a tip to here, the longest of all. */
  slowestMs = 0;
  isOpen = false;
  private readonly connection: OverlayConnection;

  constructor(
    readonly streamer: Streamer,
    pickPort: () => number,
    closings: Closing[],
    after = 0,
  ) {
    const cursor = { epoch: streamer.epoch, seq: after };
    const transport = this.watched(pickPort, closings);
    this.connection = new OverlayConnection(
      { transport, token: streamer.token, cursor },
      {
        event: (frame: EventFrame) => {
          this.seqs.push(frame.seq);
          if (frame.type !== 'tip') return;
          this.alerts.push(frame.id);
          this.slowestMs = Math.max(this.slowestMs, Date.now() - frame.at.seen);
        },
        ready: () => undefined,
        gap: () => (this.gaps += 1),
        state: ({ kind }) => (this.isOpen = kind === 'open'),
      },
    );
  }

  start(): void {
    this.connection.start();
  }

  stop(): void {
    this.connection.stop();
  }

  /** Each link goes to whatever gateway is in service, and its end is noted. */
  private watched(pickPort: () => number, closings: Closing[]): Transport {
    return {
      name: 'websocket',
      open: (auth, listener) => {
        this.links += 1;
        return new WebSocketTransport(`ws://127.0.0.1:${String(pickPort())}/overlay`, WebSocket).open(auth, {
          frame: (frame) => {
            listener.frame(frame);
          },
          closed: (closing) => {
            closings.push(closing);
            listener.closed(closing);
          },
        });
      },
    };
  }
}

/** Real clients, many, all in this process. */
export class OverlayCrowd {
  readonly closings: Closing[] = [];
  readonly overlays: readonly CrowdOverlay[];

  constructor(streamers: readonly Streamer[], size: number, pickPort: () => number) {
    this.overlays = Array.from({ length: size }, (_, n) => {
      const streamer = streamers[n % streamers.length];
      if (streamer === undefined) throw new TypeError('a crowd needs somebody to watch');
      return new CrowdOverlay(streamer, pickPort, this.closings);
    });
  }

  /** So many a second, as people come; resolves when all are in. */
  async arrive(perSecond: number): Promise<void> {
    const began = performance.now();
    for (const [n, overlay] of this.overlays.entries()) {
      overlay.start();
      const aheadMs = (n / perSecond) * 1000 - (performance.now() - began);
      if (aheadMs > 20) await sleep(aheadMs);
    }
    await this.settled(60_000);
  }

  /** Resolves when every overlay is connected and has everything; says who has not otherwise. */
  async settled(ms: number): Promise<void> {
    const late = (): readonly CrowdOverlay[] =>
      this.overlays.filter(({ isOpen, seqs, streamer }) => !isOpen || (seqs.at(-1) ?? 0) < streamer.seq);
    const deadline = Date.now() + ms;
    while (late().length > 0) {
      await sleep(50);
      if (Date.now() < deadline) continue;
      const [one] = late();
      const what = `open: ${String(one?.isOpen)}, at ${String(one?.seqs.at(-1))} of ${String(one?.streamer.seq)}, links: ${String(one?.links)}`;
      throw new Error(`${String(late().length)} overlays are not there after ${String(ms)} ms, one of them ${what}`);
    }
  }

  /** Overlays that have seen anything but each event once, in order, without a hole; and those with an alert twice. */
  faults(): readonly string[] {
    return this.overlays.flatMap(({ seqs, alerts, gaps, streamer }, n) => [
      ...(seqs.length === streamer.seq && seqs.every((seq, place) => seq === place + 1)
        ? []
        : [`overlay ${String(n)} saw ${seqs.join(' ')}`]),
      ...(new Set(alerts).size === streamer.seq && alerts.length === streamer.seq
        ? []
        : [`overlay ${String(n)}: ${String(alerts.length)} alerts`]),
      ...(gaps === 0 ? [] : [`overlay ${String(n)} was told of a gap`]),
    ]);
  }

  codes(): ReadonlySet<number> {
    return new Set(this.closings.map(({ code }) => code));
  }

  leave(): void {
    for (const overlay of this.overlays) overlay.stop();
  }
}
