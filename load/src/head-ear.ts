import { within } from '@droppio/tips';
import { WebSocket } from 'ws';
import * as z from 'zod';

const Head = z.object({ params: z.object({ result: z.object({ number: z.string().transform(Number) }) }) });

/** The bench's own subscription to new heads: a block is in the world when a stranger with a socket hears of it. */
export class HeadEar {
  private readonly heads = new Map<number, number>();
  private wake: (() => void) | undefined;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      const at = performance.now();
      const head = Head.safeParse(JSON.parse(data.toString('utf8')));
      if (!head.success) return;
      this.heads.set(head.data.params.result.number, at);
      this.wake?.();
    });
  }

  static async open(wsUrl: string): Promise<HeadEar> {
    const socket = new WebSocket(wsUrl);
    const ear = new HeadEar(socket);
    const subscribed = new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('open', () => {
        socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }));
      });
      socket.once('message', () => {
        resolve();
      });
    });
    await within(10_000, 'subscribing to heads', subscribed);
    return ear;
  }

  /** When this block's header arrived, as `performance.now()`. */
  async heard(block: number): Promise<number> {
    while (!this.heads.has(block)) {
      await within(10_000, `the header of block ${String(block)}`, new Promise<void>((resolve) => (this.wake = resolve)));
    }
    return this.heads.get(block) ?? Number.NaN;
  }

  /** Of a chain that is put back, block numbers come again. */
  forget(): void {
    this.heads.clear();
  }

  close(): void {
    this.socket.terminate();
  }
}
