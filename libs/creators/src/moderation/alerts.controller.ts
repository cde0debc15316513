import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { NotFound, type Creator, type TipKey } from '@droppio/tips';
import type * as z from 'zod';
import { Me, Scope } from '../access/access.js';
import { Repeatable } from '../edge/idempotency/repeatable.js';
import { Budgeted } from '../edge/rates/rate-limits.js';
import { AlertList, alertList, AlertsQuery, AlertView, alertView, tipIdField } from './alert.schema.js';
import { CommandView } from './moderation.schema.js';
import { ModerationService } from './moderation.service.js';

const ApiTipId = (): MethodDecorator => ApiParam({ name: 'tipId', type: String, description: '`chainId-txHash-ordinal`.' });

/** Tips on their way to the screen, and the people who decide. */
@ApiTags('moderation')
@Controller('v1/alerts')
export class AlertsController {
  constructor(private readonly moderation: ModerationService) {}

  @Get()
  @ApiOperation({ summary: 'What waits for a person, was kept back, or was let through; newest first', operationId: 'listAlerts' })
  @ApiOkResponse({ standardSchema: AlertList, description: 'One page. Tips of times without rules are in the history only.' })
  async list(
    @Me() me: Creator,
    @Query({ schema: AlertsQuery }) { state, limit, cursor }: AlertsQuery,
  ): Promise<z.output<typeof AlertList>> {
    const page = { creatorId: me.id, screening: state, limit, ...(cursor === undefined ? {} : { cursor }) };
    return alertList(await this.moderation.alerts(page));
  }

  @Post(':tipId/approve')
  @Repeatable()
  @HttpCode(200)
  @Scope('moderate')
  @ApiTipId()
  @ApiOperation({ summary: 'Show a held tip; a second time changes nothing', operationId: 'approveAlert' })
  @ApiOkResponse({ standardSchema: AlertView, description: 'It is shown. 409 for one that was rejected.' })
  async approve(@Me() me: Creator, @Param('tipId', { schema: tipIdField }) tip: TipKey | undefined): Promise<AlertView> {
    return alertView(await this.moderation.approve(me.id, known(tip)));
  }

  @Post(':tipId/reject')
  @Repeatable()
  @HttpCode(200)
  @Scope('moderate')
  @ApiTipId()
  @ApiOperation({ summary: 'Never show a held tip; a second time changes nothing', operationId: 'rejectAlert' })
  @ApiOkResponse({ standardSchema: AlertView, description: 'It is rejected. 409 for one that was shown.' })
  async reject(@Me() me: Creator, @Param('tipId', { schema: tipIdField }) tip: TipKey | undefined): Promise<AlertView> {
    return alertView(await this.moderation.reject(me.id, known(tip)));
  }

  @Post(':tipId/hide-message')
  @Repeatable()
  @HttpCode(200)
  @Scope('moderate')
  @ApiTipId()
  @ApiOperation({
    summary: 'Take the message of a shown tip off the screen, and out of replays; the tip stays. A second time changes nothing',
    operationId: 'hideAlertMessage',
  })
  @ApiOkResponse({ standardSchema: AlertView, description: 'It is hidden. 409 for a tip that is not shown.' })
  async hideMessage(@Me() me: Creator, @Param('tipId', { schema: tipIdField }) tip: TipKey | undefined): Promise<AlertView> {
    return alertView(await this.moderation.hideMessage(me.id, known(tip)));
  }

  @Post(':tipId/replay')
  @Budgeted('settings')
  @HttpCode(202)
  @Scope('moderate')
  @ApiTipId()
  @ApiOperation({ summary: 'Play a tip once more that was shown; it counts nowhere', operationId: 'replayAlert' })
  @ApiAcceptedResponse({ standardSchema: CommandView, description: 'On its way to the open pages.' })
  async replay(@Me() me: Creator, @Param('tipId', { schema: tipIdField }) tip: TipKey | undefined): Promise<z.output<typeof CommandView>> {
    return { id: await this.moderation.replay(me.id, known(tip)) };
  }
}

function known(tip: TipKey | undefined): TipKey {
  if (tip === undefined) throw new NotFound('There is no such alert.');
  return tip;
}
