import { randomBytes } from 'node:crypto';
import { openFeed } from '@droppio/e2e/houses';
import { OverlayTokens, parseTokenKeys } from '@droppio/protocol/overlay-token';
import { tipMessage, type Room } from '../crowd/orders.js';
import { aTip, openRoom } from '../fanout/droppio-server.js';
import { constantly, type TipMill } from './tip-mill.js';

/** Tips come to the feed in Redis as the relay brings them. For scenarios that end at the feed: nothing here could bring it back. */
export class FeedMill implements TipMill {
  readonly rooms: readonly Room[];
  readonly told: number[];

  private constructor(
    readonly gatewaySettings: Readonly<Record<string, string>>,
    private readonly creators: Awaited<ReturnType<typeof openRoom>>[],
    private readonly door: Awaited<ReturnType<typeof openFeed>>,
  ) {
    this.rooms = creators.map(({ token, epoch }) => ({ token, cursor: { epoch, seq: 0 } }));
    this.told = creators.map(() => 0);
  }

  /** `keys`: those of gateways that run already. */
  static async open(redisUrl: string, rooms: number, keys = `1:${randomBytes(32).toString('hex')}`): Promise<FeedMill> {
    const door = await openFeed(redisUrl);
    const tokens = new OverlayTokens(parseTokenKeys(keys));
    const creators = await Promise.all(Array.from({ length: rooms }, () => openRoom(door.feed, tokens)));
    return new FeedMill({ REDIS_URL: redisUrl, OVERLAY_TOKEN_KEYS: keys }, creators, door);
  }

  async grind(perSecond: number, seconds: number, signal?: AbortSignal): Promise<void> {
    await constantly(perSecond, seconds, (dueMs, n) => this.tip(n % this.creators.length, dueMs), signal);
  }

  /** Appends of one connection stay in order, so a tip need not wait for the one before it. */
  async tip(room: number, dueMs: number, ballast = ''): Promise<void> {
    const creator = this.creators[room];
    if (creator === undefined) throw new TypeError('no such room');
    const number = (creator.seq += 1);
    this.told[room] = number;
    const { kind } = await this.door.feed.append(creator.creatorId, creator.epoch, aTip(number, tipMessage(dueMs, room, number) + ballast));
    if (kind !== 'appended') throw new Error(`a tip was not appended: ${kind}`);
  }

  async close(): Promise<void> {
    await this.door.context.close();
  }
}
