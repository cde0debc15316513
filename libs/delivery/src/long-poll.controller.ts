import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, Options, Req, Res } from '@nestjs/common';
import { DeliverySettings } from './delivery-settings.js';
import { HttpDoor } from './http-door.js';
import { LongPollLink } from './long-poll-link.js';

/** A poll opens nothing that stays, so it counts as a part of a newcomer. */
const WEIGHT = 0.25;

/**
 * The last rung: one request, one answer, for networks that hold back what does not end. Each is admitted like a socket and answered with
 * the frames that a socket would have got: at once when there is something after the caller's place, else as soon as there is, or after
 * `?wait=` milliseconds without.
 */
@Controller('overlay/poll')
export class LongPollController {
  constructor(
    private readonly door: HttpDoor,
    private readonly settings: DeliverySettings,
  ) {}

  @Options()
  preflight(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    this.door.preflight(request, response);
  }

  @Get()
  poll(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    const network = this.door.letIn(request, response, 'poll', WEIGHT);
    if (network !== undefined) this.door.seat(new LongPollLink(response, this.waitOf(request)), network, request, response);
  }

  private waitOf({ url = '' }: IncomingMessage): number {
    const { pollMs } = this.settings;
    const asked = new URLSearchParams(url.split('?', 2)[1]).get('wait');
    return asked !== null && /^\d{1,6}$/.test(asked) ? Math.min(pollMs, Number(asked)) : pollMs;
  }
}
