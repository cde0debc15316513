import { Readable } from 'node:stream';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { AccountData, ExportTurns, type Creator } from '@droppio/tips';
import type { Response } from 'express';
import { StreamedExports, type Turn } from '../edge/streamed-export.js';

/** In this process; each holds a batch of rows in memory. */
const LIMITS = { atOnce: 8, retryAfterSec: 10 };
/** Characters that are handed over at a time. */
const PIECE = 32 * 1024;

/** Streams an account as one JSON document, batch by batch. */
@Injectable()
export class AccountExports implements BeforeApplicationShutdown {
  private readonly logger = new Logger('creators');
  private readonly streams: StreamedExports;

  constructor(
    private readonly data: AccountData,
    turns: ExportTurns,
  ) {
    this.streams = new StreamedExports(turns, LIMITS);
  }

  beforeApplicationShutdown(): void {
    this.streams.close();
  }

  /** Rejects with a problem as long as nothing is sent; afterwards only by the state of the connection. */
  send({ id, handle }: Creator, response: Response): Promise<void> {
    const plan = {
      creatorId: id,
      headers: {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Disposition': `attachment; filename="droppio-${handle}.json"`,
      },
      parts: (turn: Turn) => this.documentOf(id, turn),
      through: (parts: AsyncIterable<string>) => [Readable.from(cutUp(parts), { highWaterMark: 1 })] as const,
      ended: (outcome: string, reason: string) => {
        if (outcome === 'cut') this.logger.log('account.export-cut', { reason });
      },
    };
    return this.streams.send(plan, response);
  }

  private async *documentOf(creatorId: string, turn: Turn): AsyncGenerator<string> {
    let before = `{"exportedAt":"${new Date().toISOString()}"`;
    for (const section of this.data.sections) {
      before += `,"${section}":[`;
      let comma = '';
      for await (const rows of this.data.rows(creatorId, section)) {
        await turn.keep();
        yield before + comma + rows.join(',');
        before = '';
        comma = ',';
      }
      before += ']';
    }
    await turn.end();
    yield `${before}}\n`;
  }
}

/** Small enough that each is either taken soon or says that nobody takes it. */
async function* cutUp(parts: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const text of parts) {
    for (let at = 0; at < text.length; at += PIECE) yield text.slice(at, at + PIECE);
  }
}
