import { randomBytes, randomUUID } from 'node:crypto';
import { openFeed, startApp } from '@droppio/e2e/houses';
import { PROTOCOL } from '@droppio/protocol';
import { OverlayTokens, parseTokenKeys } from '@droppio/protocol/overlay-token';
import { DEFAULT_OVERLAY_CONFIG, TIP_TTL_MS, type CreatorEvent, type TipFeed } from '@droppio/tips';
import type { FanServer } from './server.js';

/** Heartbeats are off for everybody. */
const NEVER_MS = '3600000';

export interface Room {
  readonly creatorId: string;
  readonly epoch: string;
  readonly token: string;
  seq: number;
}

/** The gateway as it is shipped; tips come to it as the relay brings them, through the feed in Redis. One overlay of each creator, many sockets on it. */
export function droppio(redisUrl: string): FanServer {
  return {
    name: 'droppio',
    what: 'the gateway of this repository',
    async start(count) {
      const secret = `1:${randomBytes(32).toString('hex')}`;
      const { feed, context } = await openFeed(redisUrl);
      const tokens = new OverlayTokens(parseTokenKeys(secret));
      const rooms = await Promise.all(Array.from({ length: count }, () => openRoom(feed, tokens)));
      const app = await startApp('gateway', settings(redisUrl, secret));
      return {
        port: app.port,
        pids: [app.child.pid],
        manners: { protocol: PROTOCOL, ready: '"op":"ready"', isBinary: false },
        door: (room) => ({ path: `/overlay?token=${rooms[room]?.token ?? ''}` }),
        publish(room, text) {
          const at = rooms[room];
          if (at === undefined) throw new TypeError('no such room');
          at.seq += 1;
          void feed.append(at.creatorId, at.epoch, aTip(at.seq, text)).catch((error: unknown) => {
            // A delivery that is missing is reported as such.
            console.error(error);
          });
        },
        async stop() {
          await app.child.stop('SIGKILL');
          await context.close();
        },
      };
    },
  };
}

export async function openRoom(feed: TipFeed, tokens: OverlayTokens): Promise<Room> {
  const [creatorId, overlayId, epoch] = [randomUUID(), randomUUID(), randomUUID().slice(0, 8)];
  const grant = { overlayId, version: 1, enabled: true, config: DEFAULT_OVERLAY_CONFIG };
  await feed.restore(creatorId, { position: { epoch, seq: 0 }, events: [], grants: [grant] });
  return { creatorId, epoch, token: tokens.sign({ overlayId, creatorId, version: 1 }), seq: 0 };
}

const settings = (redisUrl: string, keys: string): Record<string, string> => ({
  REDIS_URL: redisUrl,
  OVERLAY_TOKEN_KEYS: keys,
  PORT: '0',
  INTERNAL_PORT: '0',
  GATEWAY_MAX_SOCKETS_PER_TOKEN: '0',
  GATEWAY_MAX_SOCKETS_PER_IP: '0',
  GATEWAY_MAX_UNAUTHENTICATED_PER_IP: '0',
  GATEWAY_UPGRADES_PER_SECOND: '100000',
  GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '0',
  GATEWAY_MAX_AGE_MS: '0',
  GATEWAY_PING_MS: NEVER_MS,
  GATEWAY_DEAD_MS: String(2 * Number(NEVER_MS)),
});

export function aTip(seq: number, message: string): CreatorEvent {
  const chainId = 8453;
  const txHash = `0x${seq.toString(16).padStart(64, '0')}` as const;
  const tipId = `${String(chainId)}-${txHash}-0`;
  const amount = { raw: '5000000000000000', decimals: 18, symbol: 'ETH', chainId, token: `0x${'0'.repeat(40)}` as const };
  const d = { tipId, name: 'somebody', ref: `0x${'0'.repeat(64)}` as const, from: `0x${'1'.repeat(40)}` as const, amount, message, txHash };
  const now = Date.now();
  return { seq, id: tipId, type: 'tip', at: { block: now, seen: now }, state: 'confirmed', rev: 1, ttlMs: TIP_TTL_MS, d };
}
