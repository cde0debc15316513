import { CLIENT_FRAME_MAX_BYTES } from '@droppio/protocol';
import { parseTokenKeys } from '@droppio/protocol/overlay-token';
import * as z from 'zod';
import { AddressBook } from './client-address.js';
import type { DeliverySettings } from './delivery-settings.js';

const count = (preset: number, description: string) => z.coerce.number<string>().int().min(0).default(preset).meta({ description });
const atLeastOne = (preset: number, description: string) => z.coerce.number<string>().int().min(1).default(preset).meta({ description });
const list = (text: string): readonly string[] => text.split(/[,\s]+/).filter((entry) => entry !== '');

/** Runs a parser whose errors are sentences for the person who wrote the setting. */
function read<T>(parse: (text: string) => T) {
  return (text: string, context: z.core.$RefinementCtx<string>): T => {
    try {
      return parse(text);
    } catch (error) {
      context.issues.push({ code: 'custom', input: '', message: error instanceof Error ? error.message : 'it cannot be read' });
      return z.NEVER;
    }
  };
}

/** Settings of everything between the feed and the sockets. */
export const deliveryEnv = {
  OVERLAY_TOKEN_KEYS: z.string().transform(read(parseTokenKeys)).meta({
    description: 'Keys that sign overlay tokens: id:secret, comma-separated, newest last. Secrets: 32 bytes or more, hex or base64.',
  }),
  GATEWAY_MAX_SOCKETS: atLeastOne(20_000, 'Sockets this process holds; more are refused with 503.'),
  GATEWAY_MAX_SOCKETS_PER_TOKEN: count(10, 'Sockets that one overlay may have open here. 0: no limit.'),
  GATEWAY_MAX_SOCKETS_PER_IP: count(20, 'Sockets from one IPv4 address or IPv6 /64. 0: no limit.'),
  GATEWAY_MAX_UNAUTHENTICATED: atLeastOne(1000, 'Sockets that have not presented a token yet.'),
  GATEWAY_MAX_UNAUTHENTICATED_PER_IP: count(10, 'The same, from one IPv4 address or IPv6 /64. 0: no limit.'),
  GATEWAY_UPGRADES_PER_SECOND: atLeastOne(500, 'New sockets a second; twice as many may come in a burst.'),
  GATEWAY_UPGRADES_PER_MINUTE_PER_IP: count(60, 'New sockets a minute from one IPv4 address or IPv6 /64. 0: no limit.'),
  GATEWAY_TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform(read((text) => new AddressBook(list(text))))
    .meta({ description: 'Proxies whose X-Forwarded-For is believed: addresses, CIDR ranges, loopback, linklocal or uniquelocal.' }),
  GATEWAY_ALLOWED_ORIGINS: z
    .string()
    .default('')
    .transform(list)
    .meta({ description: 'Origins whose pages may connect. Empty: any, since overlays carry a token and no cookie.' }),
  GATEWAY_PING_MS: atLeastOne(25_000, 'How often each socket is pinged.'),
  GATEWAY_POLL_MS: atLeastOne(25_000, 'How long a long-poll waits for something to tell.'),
  GATEWAY_DEAD_MS: atLeastOne(60_000, 'A socket that is silent this long is closed.'),
  GATEWAY_AUTH_TIMEOUT_MS: atLeastOne(10_000, 'How long a socket may take to present its token.'),
  GATEWAY_MAX_AGE_MS: count(
    3_600_000,
    'After this long, or up to twice as long, a socket is asked to move, so that new gateways fill up. 0: never.',
  ),
  GATEWAY_SOCKET_BUFFER_BYTES: atLeastOne(262_144, 'A socket with more than this unsent is a slow consumer and closed.'),
  GATEWAY_NODE_BUFFER_BYTES: atLeastOne(268_435_456, 'With more than this unsent over all sockets, the slowest are closed.'),
  GATEWAY_MEMORY_PERCENT: atLeastOne(85, 'Above this share of the heap or container limit newcomers are refused, then the slowest closed.'),
  GATEWAY_LINGER_MS: count(30_000, 'How long a creator stays subscribed after the last socket left.'),
  GATEWAY_POSITION_CHECK_MS: atLeastOne(30_000, 'How often a quiet channel compares its position with the feed.'),
  GATEWAY_RESTORE_TIMEOUT_MS: atLeastOne(5000, 'How long to wait for a missing feed to be rebuilt.'),
  DRAIN_DELAY_MS: count(5000, 'At shutdown: how long load balancers may take to notice.'),
  DRAIN_WINDOW_MS: z.coerce
    .number<string>()
    .int()
    .min(0)
    .optional()
    .meta({ description: 'At shutdown: overlays move within this. Default: sockets / 500 s, 5 to 60 s. 0: no moves, all are closed.' }),
  DRAIN_GRACE_MS: count(10_000, 'At shutdown: how long a moving overlay may keep its old socket.'),
};

/** The same where overlays have nowhere else to go: at shutdown they are closed at once, and come back when the process does. */
export const singleProcessDeliveryEnv = {
  ...deliveryEnv,
  DRAIN_DELAY_MS: count(0, 'At shutdown: how long load balancers may take to notice.'),
  GATEWAY_MAX_AGE_MS: count(0, 'After this long, or up to twice as long, a socket is asked to move. 0: never.'),
  DRAIN_WINDOW_MS: count(0, 'At shutdown: overlays move to another process within this. 0: no moves, all are closed.'),
};

export type DeliveryEnv = z.output<z.ZodObject<typeof deliveryEnv>>;

export function deliverySettings(env: DeliveryEnv): DeliverySettings {
  return {
    tokenKeys: env.OVERLAY_TOKEN_KEYS,
    maxFrameBytes: CLIENT_FRAME_MAX_BYTES,
    maxSockets: env.GATEWAY_MAX_SOCKETS,
    maxSocketsPerToken: env.GATEWAY_MAX_SOCKETS_PER_TOKEN,
    maxSocketsPerIp: env.GATEWAY_MAX_SOCKETS_PER_IP,
    maxUnauthenticated: env.GATEWAY_MAX_UNAUTHENTICATED,
    maxUnauthenticatedPerIp: env.GATEWAY_MAX_UNAUTHENTICATED_PER_IP,
    upgradesPerSecond: env.GATEWAY_UPGRADES_PER_SECOND,
    upgradesPerMinutePerIp: env.GATEWAY_UPGRADES_PER_MINUTE_PER_IP,
    trustedProxies: env.GATEWAY_TRUSTED_PROXIES,
    allowedOrigins: env.GATEWAY_ALLOWED_ORIGINS,
    pingMs: env.GATEWAY_PING_MS,
    pollMs: env.GATEWAY_POLL_MS,
    deadMs: env.GATEWAY_DEAD_MS,
    authTimeoutMs: env.GATEWAY_AUTH_TIMEOUT_MS,
    maxAgeMs: env.GATEWAY_MAX_AGE_MS,
    socketBufferBytes: env.GATEWAY_SOCKET_BUFFER_BYTES,
    nodeBufferBytes: env.GATEWAY_NODE_BUFFER_BYTES,
    memoryPercent: env.GATEWAY_MEMORY_PERCENT,
    lingerMs: env.GATEWAY_LINGER_MS,
    positionCheckMs: env.GATEWAY_POSITION_CHECK_MS,
    restoreTimeoutMs: env.GATEWAY_RESTORE_TIMEOUT_MS,
    drainDelayMs: env.DRAIN_DELAY_MS,
    drainGraceMs: env.DRAIN_GRACE_MS,
    ...(env.DRAIN_WINDOW_MS === undefined ? {} : { drainWindowMs: env.DRAIN_WINDOW_MS }),
  };
}
