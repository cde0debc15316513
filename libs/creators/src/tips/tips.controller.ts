import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { TipLedger, type Creator } from '@droppio/tips';
import { Me } from '../access/access.js';
import { tipPage, TipPage, TipsQuery } from './tip.schema.js';

@ApiTags('tips')
@Controller('v1/tips')
export class TipsController {
  constructor(private readonly ledger: TipLedger) {}

  @Get()
  @ApiOperation({ summary: 'My tips, newest first', operationId: 'listTips' })
  @ApiOkResponse({ standardSchema: TipPage, description: 'One page.' })
  async list(@Me() me: Creator, @Query({ schema: TipsQuery }) { limit, cursor }: TipsQuery): Promise<TipPage> {
    return tipPage(await this.ledger.history({ creatorId: me.id, limit, ...(cursor === undefined ? {} : { cursor }) }));
  }
}
