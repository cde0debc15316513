import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { frameFor } from '@droppio/protocol';
import type { OverlayClaim } from '@droppio/protocol/overlay-token';
import { CreatorDirectory, OverlayKeeper, Unauthorized } from '@droppio/tips';
import type { Request, Response } from 'express';
import { AllowOnly, callerOf } from '../access/access.js';
import type { Reading } from './event-reader.js';
import { EventWaits } from './event-waits.js';
import { PollVitals } from './poll-vitals.js';
import { EventsQuery, EventsView, placeText } from './events.schema.js';

/** For whoever can neither open a WebSocket nor reach the gateway: the same events, in the same order, by asking for them. */
@ApiTags('overlay')
@Controller('v1/overlay/events')
export class EventsController {
  constructor(
    private readonly waits: EventWaits,
    private readonly directory: CreatorDirectory,
    private readonly overlays: OverlayKeeper,
    private readonly vitals: PollVitals,
  ) {}

  @Get()
  @AllowOnly('overlay')
  @ApiOperation({ summary: 'Events of this overlay after a place, waiting for one if there is none', operationId: 'pollOverlayEvents' })
  @ApiOkResponse({ standardSchema: EventsView, description: 'What a WebSocket would have been sent.' })
  async poll(
    @Query({ schema: EventsQuery }) { after, wait }: EventsQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<EventsView> {
    const caller = callerOf(request);
    if (caller?.role !== 'overlay') throw new TypeError('a route for overlays');
    const { claim } = caller;
    const { creatorId, overlayId } = claim;
    const gone = new AbortController();
    const answered = this.vitals.begin(overlayId);
    response.once('close', () => {
      gone.abort();
      answered();
    });
    if (after === undefined) return this.beginning(claim, true);
    const reading = await this.waits.next({ creatorId, overlayId, place: after, waitMs: wait, gone: gone.signal });
    if (reading.events.some((event) => event.type === 'config' && event.d.overlayId === overlayId)) await this.recheck(claim);
    return reading.isLost === true ? this.beginning(claim, false) : viewFor(overlayId, reading);
  }

  /** What `ready` says to a socket: without it a page would show messages that the overlay hides, and play while alerts are paused. */
  private async beginning({ creatorId, overlayId }: OverlayClaim, recovered: boolean): Promise<EventsView> {
    const standing = await this.overlays.standing(creatorId, overlayId);
    if (standing === undefined) throw new Unauthorized('The overlay is gone.');
    return { data: [], config: { ...standing.grant.config }, next: placeText(standing.position), recovered };
  }

  /** While this request waited, its address may have been taken away: then nothing that came after is the caller's. */
  private async recheck({ creatorId, overlayId, version }: OverlayClaim): Promise<void> {
    const overlay = await this.directory.overlay(creatorId, overlayId);
    if (overlay?.enabled !== true || overlay.version !== version)
      throw new Unauthorized('The address of this overlay was changed or disabled.');
  }
}

function viewFor(overlayId: string, { events, position, gap }: Reading): EventsView {
  return {
    data: [...(gap === undefined ? [] : [{ op: 'gap' as const, ...gap }]), ...events.map((event) => frameFor(event, overlayId))],
    next: placeText(position),
    recovered: gap === undefined,
  };
}
