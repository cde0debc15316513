import { OverlayConnection, WebSocketTransport, type Closing, type Transport } from '@droppio/client';
import { WebSocket } from 'ws';
import { Absence } from './absence.js';
import type { Told, Ledger } from './ledger.js';
import type { Room } from './orders.js';
import type { Overlay } from './overlay.js';

/** The overlay's own client on Node's own network: reconnects, resumes, moves. */
export class ClientOverlay implements Overlay {
  private readonly connection: OverlayConnection;
  private readonly absence: Absence;
  isOpen = false;

  constructor(
    room: Room,
    readonly told: Told,
    private readonly ledger: Ledger,
    private readonly pickPort: () => number,
  ) {
    this.absence = new Absence(ledger);
    const cursor = room.cursor === undefined ? {} : { cursor: room.cursor };
    this.connection = new OverlayConnection(
      { transport: this.watched(), token: room.token, ...cursor },
      {
        event: (frame) => {
          told.sequence(frame.seq, frame.from);
          if (frame.type === 'tip') told.tip(frame.d.message);
        },
        ready: () => undefined,
        gap: () => {
          told.holes += 1;
        },
        state: ({ kind }) => {
          // Whoever rests wants no link.
          if (this.isOpen && kind === 'connecting') this.absence.lost();
          this.turn(kind === 'open');
        },
      },
    );
  }

  start(dueMs: number): void {
    this.absence.due(dueMs);
    this.connection.start();
  }

  comeAndGo(): void {
    this.connection.rest();
    this.connection.wake();
  }

  stop(): void {
    this.connection.stop();
  }

  private turn(isOpen: boolean): void {
    if (isOpen !== this.isOpen) this.ledger.open += isOpen ? 1 : -1;
    this.isOpen = isOpen;
  }

  private watched(): Transport {
    return {
      name: 'websocket',
      open: (auth, listener) => {
        const attempt = this.absence.attempt();
        let isReady = false;
        return new WebSocketTransport(`ws://127.0.0.1:${String(this.pickPort())}/overlay`, WebSocket).open(auth, {
          frame: (frame) => {
            if (frame.op === 'ready' && !isReady) {
              isReady = true;
              attempt.ready();
            }
            listener.frame(frame);
          },
          closed: (closing: Closing) => {
            if (isReady) this.ledger.closed(closing.code);
            else attempt.failed();
            listener.closed(closing);
          },
        });
      },
    };
  }
}
