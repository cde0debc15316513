import type { OnModuleDestroy } from '@nestjs/common';
import { WebSocketGateway, type OnGatewayConnection } from '@nestjs/websockets';
import { CloseCode, PREVIEW_PARAMETER } from '@droppio/protocol';
import { Drain } from './drain.js';
import { OverlaySession, type Credentials } from './overlay-session.js';
import type { OverlaySocket } from './overlay-link.js';
import type { Arrival } from './overlay-ws.adapter.js';
import { SessionHost } from './session-host.js';

export const NETWORK_RETRY_MS = 60_000;

/** Where a session begins and ends. The messages in between go from the socket to its session without Nest. */
@WebSocketGateway({ path: '/overlay' })
export class OverlayGateway implements OnGatewayConnection<OverlaySocket>, OnModuleDestroy {
  constructor(
    private readonly host: SessionHost,
    private readonly drain: Drain,
  ) {}

  handleConnection(socket: OverlaySocket, { network, query, isForeignVersion }: Arrival): void {
    const session = new OverlaySession(socket, network, this.host, isPreview(query));
    socket.carry(session);
    const isWelcome = this.host.roster.enter(session);
    if (isForeignVersion) session.close(CloseCode.protocolVersion, 'protocol version');
    else if (!isWelcome) session.close(CloseCode.tooManyFromNetwork, 'too many from this network', NETWORK_RETRY_MS);
    else session.open(credentialsOf(query));
  }

  /**
   * The first hook of a shutdown, and so the only one in which every other room still works: Nest runs all `onModuleDestroy`, then
   * `beforeApplicationShutdown`, then closes the adapter (which finds no socket left), then `onApplicationShutdown`.
   */
  async onModuleDestroy(): Promise<void> {
    await this.drain.run();
  }
}

/** For plain clients: `?token=…`, with `&epoch=…&seq=…` to resume. Our own page sends a frame instead, which no proxy writes down. */
export function credentialsOf(query: URLSearchParams): Credentials | undefined {
  const token = query.get('token');
  if (token === null) return undefined;
  const epoch = query.get('epoch');
  const seq = Number(query.get('seq') ?? Number.NaN);
  return { token, cursor: epoch !== null && Number.isSafeInteger(seq) && seq >= 0 ? { epoch, seq } : undefined };
}

/** It says so itself: all that it can hide is itself. */
export const isPreview = (query: URLSearchParams): boolean => query.get(PREVIEW_PARAMETER) === '1';
