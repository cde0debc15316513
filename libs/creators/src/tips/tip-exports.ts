import { Readable } from 'node:stream';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { ExportTurns, TipArchive, type HistoryPage, type TipFilter } from '@droppio/tips';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Response } from 'express';
import { Counter } from 'prom-client';
import { StreamedExports, type Turn } from '../edge/streamed-export.js';
import { EXPORTS } from '../metrics.js';
import { csvRow, csvWriter } from './tip-csv.js';

const PAGE = 1000;
/** In this process; each holds a page of tips in memory. */
const LIMITS = { atOnce: 32, retryAfterSec: 30 };
export const CSV_HEADERS = {
  'Content-Type': 'text/csv; charset=utf-8; header=present',
  'Content-Disposition': 'attachment; filename="tips.csv"',
};

export interface ExportOrder {
  readonly creatorId: string;
  readonly filter: TipFilter;
  readonly bom: boolean;
}

/** Streams a creator's tips as CSV, page by page, so memory does not grow with their number. */
@Injectable()
export class TipExports implements BeforeApplicationShutdown {
  private readonly logger = new Logger('creators');
  private readonly streams: StreamedExports;

  constructor(
    private readonly archive: TipArchive,
    turns: ExportTurns,
    @InjectMetric(EXPORTS) private readonly exports: Counter,
  ) {
    this.streams = new StreamedExports(turns, LIMITS);
  }

  beforeApplicationShutdown(): void {
    this.streams.close();
  }

  /** Rejects with a problem as long as nothing is sent; afterwards only by the state of the connection. */
  send(order: ExportOrder, response: Response): Promise<void> {
    const plan = {
      creatorId: order.creatorId,
      headers: CSV_HEADERS,
      parts: (turn: Turn) => this.pagesOf(order, turn),
      through: (pages: AsyncIterable<HistoryPage>) => [Readable.from(rows(pages)), csvWriter(order)] as const,
      ended: (outcome: string, reason: string) => {
        this.exports.inc({ outcome });
        if (outcome === 'cut') this.logger.log('export.cut', { reason });
      },
    };
    return this.streams.send(plan, response);
  }

  private async *pagesOf({ creatorId, filter }: ExportOrder, turn: Turn): AsyncGenerator<HistoryPage> {
    let cursor: string | undefined;
    do {
      await turn.keep();
      const page: HistoryPage = await this.archive.list({ creatorId, filter, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
      yield page;
      cursor = page.next;
    } while (cursor !== undefined);
    await turn.end();
  }
}

async function* rows(pages: AsyncIterable<HistoryPage>): AsyncGenerator<string[]> {
  for await (const { tips } of pages) for (const tip of tips) yield csvRow(tip);
}
