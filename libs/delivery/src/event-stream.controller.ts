import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, Options, Req, Res } from '@nestjs/common';
import { EventStreamLink } from './event-stream-link.js';
import { HttpDoor } from './http-door.js';

/**
 * The same stream over plain HTTP, for networks that break WebSockets: frames as `data`, places as ids, so that a browser's EventSource
 * resumes by itself.
 */
@Controller('overlay/events')
export class EventStreamController {
  constructor(private readonly door: HttpDoor) {}

  @Options()
  preflight(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    this.door.preflight(request, response);
  }

  @Get()
  stream(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    const network = this.door.letIn(request, response, 'sse');
    if (network !== undefined) this.door.seat(new EventStreamLink(response), network, request, response);
  }
}
