import { createHash, timingSafeEqual } from 'node:crypto';
import { Controller, ForbiddenException, Get, Header, Headers, NotFoundException, Query, UnauthorizedException } from '@nestjs/common';

/** JSON-safe. `top`: how many of the busiest are to be told apart. */
export type StatsReport = (top: number) => Promise<object>;

const TOP = 20;
const TOP_MAX = 1000;

/**
 * A report on the whole process for its operators, `GET /stats` on the internal port: one room serves it. It may name creators, which metrics
 * never do, so it takes a token; without the setting nobody gets in.
 */
export class Stats {
  private report: StatsReport | undefined;

  constructor(private readonly token?: string) {}

  serve(report: StatsReport): void {
    this.report = report;
  }

  /** Throws what is wrong with the caller or the question, as HTTP knows it. */
  async read(authorization: string | undefined, top: string | undefined): Promise<object> {
    if (this.token === undefined) throw new ForbiddenException('Statistics are closed: this process has no STATS_TOKEN.');
    const [, shown] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    if (shown === undefined) throw new UnauthorizedException('Statistics need an Authorization header: Bearer, and the STATS_TOKEN.');
    if (!isSame(shown, this.token)) throw new ForbiddenException('This is not the STATS_TOKEN of this process.');
    if (this.report === undefined) throw new NotFoundException('This process has no statistics.');
    const asked = top === undefined || !/^\d{1,4}$/.test(top) ? TOP : Number(top);
    return this.report(Math.min(TOP_MAX, asked));
  }
}

@Controller('stats')
export class StatsController {
  constructor(private readonly stats: Stats) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  read(@Headers('authorization') authorization?: string, @Query('top') top?: unknown): Promise<object> {
    return this.stats.read(authorization, typeof top === 'string' ? top : undefined);
  }
}

/** In constant time whatever the lengths are, because hashes are compared. */
function isSame(shown: string, wanted: string): boolean {
  const digest = (text: string): Uint8Array => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(shown), digest(wanted));
}
