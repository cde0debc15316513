import { once } from 'node:events';
import { within } from '@droppio/tips';
import { WebSocket } from 'ws';
import * as z from 'zod';

/** What a process must be started with so that it can be told to collect its garbage. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

const LISTENS = /Debugger listening on (ws:\S+)/;
const ANSWER_MS = 30_000;
const HEAP = /^nodejs_heap_size_used_bytes(?:\{.*?\})? (\S+)/m;
const Answer = z.object({ id: z.number().optional(), error: z.object({ message: z.string() }).optional() });

/** A process with the metrics of our apps. */
export interface Inspected {
  readonly child: { output(): string };
  readonly internalUrl: string;
}

/**
 * What is alive in the heap of a gateway. Between two full collections V8 lets tens of megabytes lie for ten minutes and more, and the slope over half an
 * hour of such teeth is whatever the last one makes of it; so all is collected before each look.
 */
export class LiveHeap {
  private constructor(
    private readonly inspector: string,
    private readonly metrics: string,
  ) {}

  /** Soon after the start: what a process printed first is forgotten in the end. Throws when it was not started as `INSPECTED`. */
  static of({ child, internalUrl }: Inspected): LiveHeap {
    const inspector = LISTENS.exec(child.output())?.[1];
    if (inspector === undefined) throw new Error('a gateway was not started with an inspector');
    return new LiveHeap(inspector, `${internalUrl}/metrics`);
  }

  async bytes(): Promise<number> {
    await collectGarbage(this.inspector);
    const text = await (await fetch(this.metrics, { signal: AbortSignal.timeout(ANSWER_MS) })).text();
    const bytes = Number(HEAP.exec(text)?.[1]);
    if (!(bytes > 0)) throw new Error('a gateway does not tell the size of its heap');
    return bytes;
  }
}

async function collectGarbage(inspector: string): Promise<void> {
  const socket = new WebSocket(inspector);
  // Whoever waits is told by "once".
  socket.on('error', () => undefined);
  try {
    await within(ANSWER_MS, 'an inspector', once(socket, 'open'));
    const answer = once(socket, 'message');
    socket.send(JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' }));
    const [data] = z
      .tuple([z.instanceof(Buffer)])
      .rest(z.unknown())
      .parse(await within(ANSWER_MS, 'a collection', answer));
    const { id, error } = Answer.parse(JSON.parse(data.toString('utf8')));
    if (id !== 1 || error !== undefined) throw new Error(`the garbage was not collected: ${error?.message ?? 'another message came'}`);
  } finally {
    socket.terminate();
  }
}
