import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { TipStats, type Creator, type TokenKey } from '@droppio/tips';
import type * as z from 'zod';
import { Me } from '../access/access.js';
import { Budgeted } from '../edge/rates/rate-limits.js';
import { SeriesQuery, seriesView, SeriesView, summaryView, SummaryView, TopQuery, topView, TopView } from './stats.schema.js';

@ApiTags('stats')
@Controller('v1/stats')
export class StatsController {
  constructor(private readonly stats: TipStats) {}

  @Get('summary')
  @Budgeted('stats')
  @ApiOperation({ summary: 'What I was tipped in all, by token; finalized tips only', operationId: 'getStatsSummary' })
  @ApiOkResponse({ standardSchema: SummaryView, description: 'The sums.' })
  async summary(@Me() me: Creator): Promise<z.output<typeof SummaryView>> {
    return summaryView(await this.stats.summary(me.id));
  }

  @Get('series')
  @Budgeted('stats')
  @ApiOperation({ summary: 'What I was tipped day by day, by token; finalized tips only', operationId: 'getStatsSeries' })
  @ApiOkResponse({ standardSchema: SeriesView, description: 'The sums of each day.' })
  async series(
    @Me() me: Creator,
    @Query({ schema: SeriesQuery }) { from, to, tz, token }: SeriesQuery,
  ): Promise<z.output<typeof SeriesView>> {
    return seriesView(tz, await this.stats.series({ creatorId: me.id, from, to, timeZone: tz, ...tokenOf(token) }));
  }

  @Get('top')
  @Budgeted('stats')
  @ApiOperation({ summary: 'Who tipped me most, in a token or in dollars; finalized tips only', operationId: 'getTopTippers' })
  @ApiOkResponse({ standardSchema: TopView, description: 'Most first.' })
  async top(@Me() me: Creator, @Query({ schema: TopQuery }) { token, limit }: TopQuery): Promise<z.output<typeof TopView>> {
    return topView(await this.stats.top({ creatorId: me.id, limit, ...tokenOf(token) }));
  }
}

function tokenOf(token: TopQuery['token']): { token?: TokenKey } {
  return token === undefined ? {} : { token: { chainId: token.chainId, token: token.address } };
}
