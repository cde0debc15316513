import { randomBytes } from 'node:crypto';
import { HouseClient, startTrio, type House, type TestCreator } from '@droppio/e2e/houses';
import { tipMessage, type Room } from '../crowd/orders.js';
import { constantly, type TipMill } from './tip-mill.js';

const TIPPERS = 8;
const GWEI = 1_000_000_000n;

export interface HousePlan {
  readonly redisUrl: string;
  readonly postgresUrl: string;
  readonly anvilPath: string;
}

/** The whole way: a tip is a transaction, which the listener finds, Postgres keeps and the relay brings to Redis. */
export class HouseMill implements TipMill {
  readonly rooms: readonly Room[];
  readonly told: number[];
  private readonly sent: number[];
  /** One wallet sends one transaction at a time; there are several. */
  private readonly tippers: { readonly client: HouseClient; last: Promise<unknown> }[];

  private constructor(
    private readonly house: House,
    readonly gatewaySettings: Readonly<Record<string, string>>,
    private readonly creators: readonly TestCreator[],
  ) {
    this.rooms = creators.map(({ webSocketUrl }) => ({ token: new URL(webSocketUrl).searchParams.get('token') ?? '' }));
    this.told = creators.map(() => 0);
    this.sent = creators.map(() => 0);
    this.tippers = Array.from({ length: TIPPERS }, (_, n) => ({ client: new HouseClient(house, n), last: Promise.resolve() }));
  }

  static async open(plan: HousePlan, rooms: number): Promise<HouseMill> {
    const shared = { REDIS_URL: plan.redisUrl, OVERLAY_TOKEN_KEYS: `1:${randomBytes(32).toString('hex')}` };
    const house = await startTrio({ ...plan, gateways: 0, settings: shared });
    try {
      const client = new HouseClient(house);
      const creators: TestCreator[] = [];
      for (let n = 0; n < rooms; n += 1) creators.push(await client.creator());
      return new HouseMill(house, shared, creators);
    } catch (error) {
      await house.stop();
      throw error;
    }
  }

  async grind(perSecond: number, seconds: number): Promise<void> {
    await constantly(perSecond, seconds, (dueMs, n) => this.tip(n, dueMs));
  }

  async close(): Promise<void> {
    await this.house.stop();
  }

  private async tip(n: number, dueMs: number): Promise<void> {
    const room = n % this.creators.length;
    const creator = this.creators[room];
    const tipper = this.tippers[n % this.tippers.length];
    if (creator === undefined || tipper === undefined) throw new TypeError('no such room');
    const number = (this.sent[room] = (this.sent[room] ?? 0) + 1);
    const sending = tipper.last.then(() => tipper.client.send(creator, GWEI, tipMessage(dueMs, room, number)));
    tipper.last = sending.catch(() => undefined);
    await sending;
    this.told[room] = (this.told[room] ?? 0) + 1;
  }
}
