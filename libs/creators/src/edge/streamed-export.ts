import { randomUUID } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import type { ExportTurns } from '@droppio/tips';
import type { Response } from 'express';
import { ExportRunning, Overloaded } from '../errors.js';
import { keepPace } from './pace.js';

const TURN_MS = 60_000;
const RENEW_MS = 15_000;
/** A reader that takes nothing for this long, or not all of it for that long, holds a place that others want. */
const STALL_MS = 30_000;
const DEADLINE_MS = 15 * 60_000;

export interface Turn {
  /** Between two readings: keeps the turn. Rejects when somebody else has it. */
  keep(): Promise<void>;
  /** Before the client has the end of the file, so that it may ask for the next one at once. Never rejects. */
  end(): Promise<void>;
}

export interface ExportPlan<Part> {
  readonly creatorId: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What the file is made of; ends its turn before it returns, and not while much is still to be taken. */
  readonly parts: (turn: Turn) => AsyncGenerator<Part>;
  /** From the parts to the bytes: one behind the other. */
  readonly through: (parts: AsyncIterable<Part>) => readonly [NodeJS.ReadableStream, ...NodeJS.ReadWriteStream[]];
  /** Once something may have been sent. `failed`: by us, not by a client that went away or took too long. */
  readonly ended: (outcome: 'complete' | 'cut' | 'failed', reason: 'deadline' | 'connection') => void;
}

/**
 * Streams files of creators, one at a time of each and a bounded number in this process, as fast as the client takes them. Whoever gets the end
 * of the answer has all of it: a failure half way resets the connection.
 */
export class StreamedExports {
  private readonly closing = new AbortController();
  private running = 0;

  constructor(
    private readonly turns: ExportTurns,
    private readonly limits: { readonly atOnce: number; readonly retryAfterSec: number },
  ) {}

  close(): void {
    this.closing.abort();
  }

  /** Rejects with a problem as long as nothing is sent; afterwards only by the state of the connection. */
  async send<Part>(plan: ExportPlan<Part>, response: Response): Promise<void> {
    if (this.running >= this.limits.atOnce) throw new Overloaded('Too many exports run already.', this.limits.retryAfterSec);
    const holder = randomUUID();
    this.running += 1;
    try {
      if (!(await this.turns.take(plan.creatorId, holder, TURN_MS))) {
        throw new ExportRunning('An export of yours is running already; begin the next when it is done.');
      }
      try {
        await this.stream(plan, this.turnOf(plan.creatorId, holder), response);
      } finally {
        await this.turns.end(plan.creatorId, holder);
      }
    } finally {
      this.running -= 1;
    }
  }

  private async stream<Part>(plan: ExportPlan<Part>, turn: Turn, response: Response): Promise<void> {
    const parts = plan.parts(turn);
    // What fails at once is answered with a problem still.
    const first = await parts.next();
    const signal = AbortSignal.any([this.closing.signal, AbortSignal.timeout(DEADLINE_MS)]);
    const cut = (): void => {
      // A client of HTTP/1.0 (many a proxy) takes a plain end of the connection for the end of the file.
      response.socket?.resetAndDestroy();
    };
    signal.addEventListener('abort', cut, { once: true });
    response.setTimeout(STALL_MS, cut);
    const rest = keepPace(response, cut);
    const failures: unknown[] = [];
    const failed = (error: unknown): void => {
      failures.push(error);
      cut();
    };
    const reason = (): 'deadline' | 'connection' => (signal.aborted ? 'deadline' : 'connection');
    for (const [name, value] of Object.entries(plan.headers)) response.setHeader(name, value);
    try {
      await pipeline([...plan.through(whole(first, parts, failed)), response], { signal });
      plan.ended('complete', reason());
    } catch (error) {
      const isOurs = failures.length > 0;
      plan.ended(isOurs ? 'failed' : 'cut', reason());
      if (isOurs) throw error;
    } finally {
      rest();
      signal.removeEventListener('abort', cut);
    }
  }

  private turnOf(creatorId: string, holder: string): Turn {
    let renewedAt = performance.now();
    return {
      keep: async () => {
        if (performance.now() - renewedAt <= RENEW_MS) return;
        if (!(await this.turns.take(creatorId, holder, TURN_MS))) throw new ExportRunning('Another export has begun.');
        renewedAt = performance.now();
      },
      end: () => this.turns.end(creatorId, holder).catch(() => undefined),
    };
  }
}

/** Tells of failures of reading before the stream does: that the client has gone is none. */
async function* whole<Part>(
  first: IteratorResult<Part>,
  parts: AsyncIterable<Part>,
  failed: (error: unknown) => void,
): AsyncGenerator<Part> {
  if (first.done === true) return;
  yield first.value;
  try {
    yield* parts;
  } catch (error) {
    failed(error);
    throw error;
  }
}
