import type { IncomingHttpHeaders } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '@droppio/tips';
import { clientAddress, networkOf } from './client-address.js';
import { DeliverySettings } from './delivery-settings.js';
import { NetworkRates } from './network-rates.js';
import { NodePressure } from './node-pressure.js';
import { SessionRoster } from './session-roster.js';
import { TokenBucket } from './token-bucket.js';

export interface UpgradeRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

export type Verdict =
  | { readonly kind: 'let-in'; readonly network: string }
  | {
      readonly kind: 'refused';
      readonly result: 'draining' | 'origin' | 'full' | 'pressure' | 'unauthenticated' | 'rate' | 'network-rate';
      readonly status: 403 | 429 | 503;
      readonly retryAfterSeconds: number;
      readonly why: string;
    };

/** Decides about a new socket before its handshake costs anything. What a browser must be able to read comes later, as a close code. */
@Injectable()
export class UpgradeGate {
  private readonly log = new Logger('delivery');
  private readonly rate: TokenBucket;
  private readonly networks: NetworkRates;
  private isClosed = false;
  private warned = false;

  constructor(
    private readonly settings: DeliverySettings,
    private readonly roster: SessionRoster,
    private readonly pressure: NodePressure,
    private readonly clock: Clock,
  ) {
    this.rate = new TokenBucket(settings.upgradesPerSecond, settings.upgradesPerSecond * 2, clock.now());
    this.networks = new NetworkRates(settings.upgradesPerMinutePerIp);
  }

  /** From now on everybody is sent elsewhere. */
  shut(): void {
    this.isClosed = true;
  }

  /** `weight`: what it counts against the rates. */
  judge(request: UpgradeRequest, weight = 1): Verdict {
    const now = this.clock.now();
    const { settings, roster } = this;
    const { origin } = request.headers;
    const network = networkOf(this.addressOf(request));
    if (this.isClosed) return refused('draining', 503, 1, 'This gateway is shutting down.');
    if (settings.allowedOrigins.length > 0 && origin !== undefined && !settings.allowedOrigins.includes(origin)) {
      return refused('origin', 403, 0, 'Pages of this origin may not connect.');
    }
    if (roster.size >= settings.maxSockets) return refused('full', 503, 5, 'This gateway is full.');
    if (this.pressure.isHigh) return refused('pressure', 503, 10, 'This gateway is short of memory.');
    if (settings.upgradesPerMinutePerIp > 0 && !this.networks.take(network, now, weight))
      return refused('network-rate', 429, 30, 'Too many connections from this network.');
    if (!this.rate.take(now, weight)) return refused('rate', 503, 2, 'Too many connections at once.');
    // Last: whoever is refused for another reason may not cost anybody a place.
    if (roster.unauthenticated >= settings.maxUnauthenticated && !roster.makeRoom(network)) {
      return refused('unauthenticated', 503, 2, 'Too many sockets have not said who they are.');
    }
    return { kind: 'let-in', network };
  }

  private addressOf({ headers, socket }: UpgradeRequest): string {
    const peer = socket.remoteAddress ?? 'unknown';
    const forwarded = headers['x-forwarded-for'];
    const { trustedProxies } = this.settings;
    if (forwarded !== undefined && !trustedProxies.has(peer) && !this.warned) {
      // Behind a proxy that is not listed, everybody would share the limits of one address.
      this.warned = true;
      this.log.warn('upgrade.forwarded-by-untrusted', { hint: 'Is GATEWAY_TRUSTED_PROXIES missing a proxy?' });
    }
    return clientAddress(peer, Array.isArray(forwarded) ? forwarded.join(',') : forwarded, trustedProxies);
  }
}

function refused(
  result: Extract<Verdict, { kind: 'refused' }>['result'],
  status: 403 | 429 | 503,
  retryAfterSeconds: number,
  why: string,
): Verdict {
  return { kind: 'refused', result, status, retryAfterSeconds, why };
}
