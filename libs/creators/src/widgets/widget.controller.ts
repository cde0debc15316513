import { Controller, Get, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CreatorDirectory, Unauthorized } from '@droppio/tips';
import type { Request } from 'express';
import { AllowOnly, callerOf } from '../access/access.js';
import { WidgetQuery, WidgetView } from './widget.schema.js';
import { WidgetReadings } from './widget-readings.js';

/** What a goal bar, a ticker or a board begins with; the page goes on from there by the events that it hears. */
@ApiTags('overlay')
@Controller('v1/overlay/widget')
export class WidgetController {
  constructor(
    private readonly readings: WidgetReadings,
    private readonly directory: CreatorDirectory,
  ) {}

  @Get()
  @AllowOnly('overlay')
  @ApiOperation({
    summary: 'What the widget of this overlay shows, and the place in the stream that it is exact at',
    operationId: 'getOverlayWidget',
  })
  @ApiOkResponse({ standardSchema: WidgetView, description: 'By the overlay’s config as it is now.' })
  async read(@Query({ schema: WidgetQuery }) { after }: WidgetQuery, @Req() request: Request): Promise<WidgetView> {
    const caller = callerOf(request);
    if (caller?.role !== 'overlay') throw new TypeError('a route for overlays');
    const { creatorId, overlayId } = caller.claim;
    const overlay = await this.directory.overlay(creatorId, overlayId);
    if (overlay === undefined) throw new Unauthorized('The overlay is gone.');
    return this.readings.of(overlay, after);
  }
}
