import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { NotFound, TipArchive, type Creator } from '@droppio/tips';
import { Me } from '../access/access.js';
import { filterOf, TipsQuery } from './tip-filter.schema.js';
import { tipIdField, tipKey, tipPage, TipPage, tipProofView, TipProofView } from './tip.schema.js';

@ApiTags('tips')
@Controller('v1/tips')
export class TipsController {
  constructor(private readonly archive: TipArchive) {}

  @Get()
  @ApiOperation({
    summary: 'My tips, newest first',
    description:
      'A filter is held against some thousand tips at a time: a page may be short, or empty, and have a next one. Go on until `page.next` is null, ' +
      'with the same filters. A tip that a reorg moves meanwhile may come twice: its id is the same. Finalized tips never move.',
    operationId: 'listTips',
  })
  @ApiOkResponse({ standardSchema: TipPage, description: 'One page.' })
  async list(@Me() me: Creator, @Query({ schema: TipsQuery }) { limit, cursor, ...asked }: TipsQuery): Promise<TipPage> {
    const filter = filterOf(asked);
    return tipPage(await this.archive.list({ creatorId: me.id, limit, filter, ...(cursor === undefined ? {} : { cursor }) }));
  }

  @Get(':id')
  @ApiOperation({ summary: 'One tip with its proof: where the chain holds it, and when it was told', operationId: 'getTip' })
  @ApiOkResponse({ standardSchema: TipProofView, description: 'The tip.' })
  async get(@Me() me: Creator, @Param('id', { schema: tipIdField }) id: string): Promise<TipProofView> {
    const key = tipKey(id);
    const proof = key && (await this.archive.proof(me.id, key));
    if (proof === undefined) throw new NotFound('No such tip of yours.');
    return tipProofView(proof);
  }
}
