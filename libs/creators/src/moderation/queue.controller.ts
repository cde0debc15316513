import { Body, Controller, Get, HttpCode, Post, Put } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { AlertQueue, Creator } from '@droppio/tips';
import type * as z from 'zod';
import { Me, Scope } from '../access/access.js';
import { Budgeted } from '../edge/rates/rate-limits.js';
import { CommandView, QueueBody } from './moderation.schema.js';
import { ModerationService } from './moderation.service.js';

/** What the creator's pages do with what waits for the screen. */
@ApiTags('moderation')
@Controller('v1/queue')
export class QueueController {
  constructor(private readonly moderation: ModerationService) {}

  @Get()
  @ApiOperation({ summary: 'Whether alerts are paused or muted', operationId: 'getQueue' })
  @ApiOkResponse({ standardSchema: QueueBody, description: 'What was last said to all overlays.' })
  read(@Me() me: Creator): Promise<AlertQueue> {
    return this.moderation.queue(me.id);
  }

  @Put()
  @Budgeted('settings')
  @Scope('moderate')
  @ApiOperation({ summary: 'Pause or mute alerts; open pages follow at once, others when they connect', operationId: 'setQueue' })
  @ApiOkResponse({ standardSchema: QueueBody, description: 'As it is now.' })
  set(@Me() me: Creator, @Body({ schema: QueueBody }) queue: AlertQueue): Promise<AlertQueue> {
    return this.moderation.setQueue(me.id, queue);
  }

  @Post('skip')
  @Budgeted('settings')
  @HttpCode(202)
  @Scope('moderate')
  @ApiOperation({ summary: 'End the alert that is on the screen', operationId: 'skipAlert' })
  @ApiAcceptedResponse({ standardSchema: CommandView, description: 'On its way to the open pages.' })
  async skip(@Me() me: Creator): Promise<z.output<typeof CommandView>> {
    return { id: await this.moderation.command(me.id, 'skip') };
  }

  @Post('clear')
  @Budgeted('settings')
  @HttpCode(202)
  @Scope('moderate')
  @ApiOperation({ summary: 'Drop the alerts that wait for the screen', operationId: 'clearAlerts' })
  @ApiAcceptedResponse({ standardSchema: CommandView, description: 'On its way to the open pages.' })
  async clear(@Me() me: Creator): Promise<z.output<typeof CommandView>> {
    return { id: await this.moderation.command(me.id, 'clear') };
  }
}
