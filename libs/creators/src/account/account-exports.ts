import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { AccountData, ExportTurns, type Creator } from '@droppio/tips';
import type { Response } from 'express';
import { keepPace } from '../edge/pace.js';
import { ExportRunning, Overloaded } from '../errors.js';

/** In this process; each holds a batch of rows in memory. */
const AT_ONCE = 8;
const TURN_MS = 60_000;
const RENEW_MS = 15_000;
/** Characters that are handed over at a time. */
const PIECE = 32 * 1024;
/** A reader that takes nothing for this long, or not all of it for that long, holds a place that others want. */
const STALL_MS = 30_000;
const DEADLINE_MS = 15 * 60_000;

/**
 * Streams an account as one JSON document, batch by batch as fast as the client takes them. Whoever gets the end of the answer has all of it: a
 * failure half way resets the connection.
 */
@Injectable()
export class AccountExports implements BeforeApplicationShutdown {
  private readonly logger = new Logger('creators');
  private readonly closing = new AbortController();
  private running = 0;

  constructor(
    private readonly data: AccountData,
    private readonly turns: ExportTurns,
  ) {}

  beforeApplicationShutdown(): void {
    this.closing.abort();
  }

  /** Rejects with a problem as long as nothing is sent; afterwards only by the state of the connection. */
  async send(creator: Creator, response: Response): Promise<void> {
    if (this.running >= AT_ONCE) throw new Overloaded('Others are being exported.', 10);
    const holder = randomUUID();
    this.running += 1;
    try {
      if (!(await this.turns.take(creator.id, holder, TURN_MS))) {
        throw new ExportRunning('An export of yours is running already; begin the next when it is done.');
      }
      try {
        await this.stream(creator, holder, response);
      } finally {
        await this.turns.end(creator.id, holder);
      }
    } finally {
      this.running -= 1;
    }
  }

  private async stream({ id, handle }: Creator, holder: string, response: Response): Promise<void> {
    // Before the client has the end of the file, so that it may ask for the next one at once.
    const done = (): Promise<void> => this.turns.end(id, holder).catch(() => undefined);
    const parts = this.documentOf(id, this.keeper(id, holder), done);
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
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.setHeader('Content-Disposition', `attachment; filename="droppio-${handle}.json"`);
    const failures: unknown[] = [];
    const failed = (error: unknown): void => {
      failures.push(error);
      cut();
    };
    try {
      await pipeline(Readable.from(pieces(first, parts, failed), { highWaterMark: 1 }), response, { signal });
    } catch (error) {
      if (failures.length > 0) throw error;
      this.logger.log('account.export-cut', { reason: signal.aborted ? 'deadline' : 'connection' });
    } finally {
      rest();
      signal.removeEventListener('abort', cut);
    }
  }

  private async *documentOf(creatorId: string, keep: () => Promise<void>, done: () => Promise<void>): AsyncGenerator<string, undefined> {
    let before = `{"exportedAt":"${new Date().toISOString()}"`;
    for (const section of this.data.sections) {
      before += `,"${section}":[`;
      let comma = '';
      for await (const rows of this.data.rows(creatorId, section)) {
        await keep();
        yield before + comma + rows.join(',');
        before = '';
        comma = ',';
      }
      before += ']';
    }
    await done();
    yield `${before}}\n`;
    return undefined;
  }

  /** Keeps the turn while it reads. */
  private keeper(creatorId: string, holder: string): () => Promise<void> {
    let renewedAt = performance.now();
    return async () => {
      if (performance.now() - renewedAt <= RENEW_MS) return;
      if (!(await this.turns.take(creatorId, holder, TURN_MS))) throw new ExportRunning('Another export has begun.');
      renewedAt = performance.now();
    };
  }
}

/** Tells of failures of reading before the stream does: that the client has gone is none. */
async function* pieces(
  first: IteratorResult<string, undefined>,
  parts: AsyncIterable<string>,
  failed: (error: unknown) => void,
): AsyncGenerator<string> {
  if (first.done !== true) yield* cutUp(first.value);
  try {
    for await (const part of parts) yield* cutUp(part);
  } catch (error) {
    failed(error);
    throw error;
  }
}

/** Small enough that each is either taken soon or says that nobody takes it. */
function* cutUp(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += PIECE) yield text.slice(at, at + PIECE);
}
