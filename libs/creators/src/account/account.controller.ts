import { Body, Controller, Delete, Get, HttpCode, Param, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { NotFound, type Creator } from '@droppio/tips';
import type { Response } from 'express';
import { Me, Scope } from '../access/access.js';
import { Sessions } from '../access/sessions.js';
import { tipIdField, tipKey } from '../tips/tip.schema.js';
import { AccountExports } from './account-exports.js';
import { AccountEndBody, AccountExport } from './account.schema.js';
import { AccountService } from './account.service.js';
import { Audited } from './audited.js';

@ApiTags('account')
@Controller('v1')
export class AccountController {
  constructor(
    private readonly accounts: AccountService,
    private readonly exports: AccountExports,
    private readonly sessions: Sessions,
  ) {}

  @Delete('me')
  @HttpCode(204)
  @Scope('account')
  @ApiOperation({
    summary: 'Delete my account, at once and for good; what is on the chain stays there, without messages here',
    operationId: 'deleteMe',
  })
  @ApiNoContentResponse({ description: 'It is gone: signed out everywhere, tokens void, overlays closed.' })
  async end(
    @Me() me: Creator,
    @Body({ schema: AccountEndBody }) { handle }: AccountEndBody,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    await this.accounts.remove(me, handle);
    response.setHeader('Set-Cookie', this.sessions.forget);
  }

  @Get('me/export')
  @Scope('account')
  @Audited()
  @ApiOperation({ summary: 'Everything that is held of my account, as one JSON document', operationId: 'exportMe' })
  @ApiOkResponse({ standardSchema: AccountExport, description: 'A part for each kind of thing, rows as they are stored, without secrets.' })
  async export(@Me() me: Creator, @Res() response: Response): Promise<void> {
    await this.exports.send(me, response);
  }

  @Delete('tips/:id/message')
  @HttpCode(204)
  // Nothing brings it back, so it is not for those who only decide what is shown.
  @Scope('write')
  @ApiOperation({
    summary: 'Erase the message of a tip, here and on overlays that are open; on the chain it stays',
    operationId: 'eraseTipMessage',
  })
  @ApiNoContentResponse({ description: 'It is erased.' })
  async eraseMessage(@Me() me: Creator, @Param('id', { schema: tipIdField }) id: string): Promise<void> {
    const tip = tipKey(id);
    if (tip === undefined || !(await this.accounts.eraseMessage(me.id, tip))) throw new NotFound('No such tip of yours.');
  }
}
