import { Redis } from 'ioredis';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';

const DOWN_MS = 3000;
const BEHIND_MS = 4000;
const HOLE_MS = 30_000;
const KILLS = 40;
const KILL_EVERY_MS = 200;
const BURST = 40;

/** Asks Redis itself, past the gate. */
async function asked<T>(stage: Stage, ask: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(stage.house.services.redis.port, '127.0.0.1', { maxRetriesPerRequest: 3 });
  redis.on('error', () => undefined);
  try {
    return await ask(redis);
  } finally {
    redis.disconnect();
  }
}

const runIdOf = (stage: Stage): Promise<string> =>
  asked(stage, async (redis) => /run_id:(\w+)/.exec(await redis.info('server'))?.[1] ?? '');

export const emptyRedis: Scenario = {
  number: 3,
  says: 'Redis is killed and comes back empty',
  house: 'plain',
  inCi: true,
  mixes: true,
  async play(stage) {
    const { redis } = stage.house.services;
    const before = await runIdOf(stage);
    const keys = await asked(stage, (client) => client.dbsize());
    let left = 0;
    await stage.fault('Redis gone', async () => {
      await redis.kill();
      await stage.rest(DOWN_MS);
      await redis.restart();
      left = await asked(stage, (client) => client.dbsize());
    });
    await stage.settled();
    stage.effect((await runIdOf(stage)) !== before, 'Redis is another process');
    stage.effect(keys > 0 && left < keys, `it had ${String(keys)} keys and came back with ${String(left)}`);
  },
};

export const redisHole: Scenario = {
  number: 5,
  says: 'Redis swallows everything for half a minute, connections stay',
  house: 'plain',
  inCi: false,
  mixes: true,
  async play(stage) {
    const { redis } = stage.house.gates;
    const links = redis.size;
    let behind = 0;
    await stage.fault('Redis is a black hole', async () => {
      redis.set('hole');
      await stage.rest(HOLE_MS);
      const [row] = await stage.house.rows('SELECT count(*) AS n FROM creator_streams WHERE published < head');
      behind = Number(row?.['n']);
      redis.set('open');
    });
    await stage.settled();
    stage.effect(
      links > 0 && behind > 0,
      `${String(links)} connections hung for ${String(HOLE_MS / 1000)} s, and ${String(behind)} creators had events that nobody could publish`,
    );
  },
};

export const killedSubscribers: Scenario = {
  number: 6,
  says: 'Redis ends every subscriber five times a second, during a burst',
  house: 'plain',
  inCi: true,
  mixes: true,
  async play(stage) {
    let killed = 0;
    await stage.fault('subscribers killed', () =>
      asked(stage, async (redis) => {
        for (let i = 0; i < KILLS; i += 1) {
          for (let n = 0; n < BURST / KILLS; n += 1) await stage.load.tip(stage.dice.pick(stage.audience.creators).wallet);
          killed += Number(await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
          await stage.rest(KILL_EVERY_MS);
        }
      }),
    );
    await stage.settled();
    stage.effect(killed >= KILLS, `${String(killed)} subscribers were ended`);
  },
};

export const fullRedis: Scenario = {
  number: 7,
  says: 'Redis is out of memory and takes no writes',
  house: 'plain',
  inCi: false,
  mixes: true,
  async play(stage) {
    let refused = 0;
    await stage.fault('Redis full', () =>
      asked(stage, async (redis) => {
        await redis.config('SET', 'maxmemory', '1mb');
        try {
          await redis.set('proof:probe', '1');
        } catch {
          refused += 1;
        }
        await stage.rest(8000);
        refused += await oom(redis);
        await redis.config('SET', 'maxmemory', '0');
      }),
    );
    await stage.settled();
    stage.effect(refused > 1, `${String(refused)} writes were refused for want of memory`);
  },
};

/** Redis counts its refusals by their first word. */
async function oom(redis: Redis): Promise<number> {
  return Number(/errorstat_OOM:count=(\d+)/.exec(await redis.info('errorstats'))?.[1] ?? 0);
}

export const lossyFailover: Scenario = {
  number: 4,
  says: 'Redis fails over to a replica that had not heard of the newest writes',
  house: 'replica',
  inCi: false,
  mixes: false,
  async play(stage) {
    const { redis, replica, replication } = stage.house.services;
    if (replica === undefined || replication === undefined) throw new Error('this house has no replica');
    const second = new Redis(replica.port, '127.0.0.1');
    const offsetOf = async (client: Redis): Promise<number> =>
      Number(/master_repl_offset:(\d+)/.exec(await client.info('replication'))?.[1]);
    try {
      await stage.until('the replica has what there is', async () => (await second.info('replication')).includes('master_link_status:up'));
      let behind = 0;
      await stage.fault('failover to a replica that is behind', async () => {
        // Nothing reaches it any more, while the first one goes on and promises that writes are kept.
        replication.set('hole');
        await stage.rest(BEHIND_MS);
        const offset = await asked(stage, offsetOf);
        await redis.kill();
        replication.set('refuse');
        await second.call('REPLICAOF', 'NO', 'ONE');
        behind = offset - (await offsetOf(second));
        stage.house.gates.redis.targets = [replica.port];
        stage.house.gates.redis.reset();
      });
      await stage.settled();
      stage.effect(behind > 0, `${String(behind)} bytes of acknowledged writes were lost`);
    } finally {
      second.disconnect();
    }
  },
};
