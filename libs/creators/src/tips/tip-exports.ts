import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { ExportTurns, TipArchive, type HistoryPage, type TipFilter } from '@droppio/tips';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Response } from 'express';
import { Counter } from 'prom-client';
import { keepPace } from '../edge/pace.js';
import { ExportRunning, Overloaded } from '../errors.js';
import { EXPORTS } from '../metrics.js';
import { csvRow, csvWriter } from './tip-csv.js';

const PAGE = 1000;
/** In this process; each holds a page of tips in memory. */
const AT_ONCE = 32;
const TURN_MS = 60_000;
const RENEW_MS = 15_000;
/** A client that takes nothing for this long, or not all of it for that long, is cut off. */
const STALL_MS = 30_000;
const DEADLINE_MS = 15 * 60_000;

export interface ExportOrder {
  readonly creatorId: string;
  readonly filter: TipFilter;
  readonly bom: boolean;
}

/**
 * Streams a creator's tips as CSV: page by page as fast as the client takes them, so memory does not grow with their number. Whoever gets the
 * end of the answer has all of it: a failure half way resets the connection.
 */
@Injectable()
export class TipExports implements BeforeApplicationShutdown {
  private readonly logger = new Logger('creators');
  private readonly closing = new AbortController();
  private running = 0;

  constructor(
    private readonly archive: TipArchive,
    private readonly turns: ExportTurns,
    @InjectMetric(EXPORTS) private readonly exports: Counter,
  ) {}

  beforeApplicationShutdown(): void {
    this.closing.abort();
  }

  /** Rejects with a problem as long as nothing is sent; afterwards only by the state of the connection. */
  async send(order: ExportOrder, response: Response): Promise<void> {
    if (this.running >= AT_ONCE) throw new Overloaded('Too many exports run already.', 30);
    const holder = randomUUID();
    this.running += 1;
    try {
      if (!(await this.turns.take(order.creatorId, holder, TURN_MS))) {
        throw new ExportRunning('An export of yours is running already; begin the next when it is done.');
      }
      try {
        await this.stream(order, holder, response);
      } finally {
        await this.turns.end(order.creatorId, holder);
      }
    } finally {
      this.running -= 1;
    }
  }

  private async stream(order: ExportOrder, holder: string, response: Response): Promise<void> {
    // What fails at once is answered with a problem still.
    const first = await this.page(order);
    const signal = AbortSignal.any([this.closing.signal, AbortSignal.timeout(DEADLINE_MS)]);
    const cut = (): void => {
      // A client of HTTP/1.0 (many a proxy) takes a plain end of the connection for the end of the file.
      response.socket?.resetAndDestroy();
    };
    signal.addEventListener('abort', cut, { once: true });
    response.setTimeout(STALL_MS, cut);
    const rest = keepPace(response, cut);
    const failures: unknown[] = [];
    const next = this.reader(order, holder, (error) => {
      failures.push(error);
      cut();
    });
    // Before the client has the end of the file, so that it may ask for the next one at once.
    const done = (): Promise<void> => this.turns.end(order.creatorId, holder).catch(() => undefined);
    setHeaders(response);
    try {
      await pipeline(Readable.from(rows(first, next, done)), csvWriter(order), response, { signal });
      this.exports.inc({ outcome: 'complete' });
    } catch (error) {
      const isOurs = failures.length > 0;
      this.exports.inc({ outcome: isOurs ? 'failed' : 'cut' });
      if (isOurs) throw error;
      this.logger.log('export.cut', { reason: signal.aborted ? 'deadline' : 'connection' });
    } finally {
      rest();
      signal.removeEventListener('abort', cut);
    }
  }

  /** Reads on, and keeps the turn meanwhile. Tells of its failures before the stream does: that the client has gone is none. */
  private reader(order: ExportOrder, holder: string, failed: (error: unknown) => void): (cursor: string) => Promise<HistoryPage> {
    let renewedAt = performance.now();
    return async (cursor) => {
      try {
        if (performance.now() - renewedAt > RENEW_MS) {
          if (!(await this.turns.take(order.creatorId, holder, TURN_MS))) throw new ExportRunning('Another export has begun.');
          renewedAt = performance.now();
        }
        return await this.page(order, cursor);
      } catch (error) {
        failed(error);
        throw error;
      }
    };
  }

  private page({ creatorId, filter }: ExportOrder, cursor?: string): Promise<HistoryPage> {
    return this.archive.list({ creatorId, filter, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
  }
}

async function* rows(
  first: HistoryPage,
  read: (cursor: string) => Promise<HistoryPage>,
  done: () => Promise<void>,
): AsyncGenerator<string[]> {
  for (let page = first; ; page = await read(page.next)) {
    for (const tip of page.tips) yield csvRow(tip);
    if (page.next === undefined) break;
  }
  await done();
}

export function setHeaders(response: Response): void {
  response.setHeader('Content-Type', 'text/csv; charset=utf-8; header=present');
  response.setHeader('Content-Disposition', 'attachment; filename="tips.csv"');
}
