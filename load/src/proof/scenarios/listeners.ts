import { Redis } from 'ioredis';
import type { TcpGate } from '../faults/tcp-gate.js';
import type { Member } from '../house/member.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';

const FROZEN_MS = 60_000;
const HOUR_MS = 3_600_000;
const CLOCK_MS = 15_000;

/** The leader dies the moment the answer to what fits is on its way; what it asked for has been done. */
async function killAtAnswer(stage: Stage, gate: TcpGate, fits: (bytes: Buffer) => boolean): Promise<void> {
  const { leader } = await stage.leadership();
  const before = gate.doomed;
  let isArmed = true;
  let killed: Promise<number> | undefined;
  gate.doom = (bytes) => {
    if (!isArmed || !fits(bytes)) return false;
    isArmed = false;
    return true;
  };
  gate.onDoomed = () => {
    killed ??= leader.end('SIGKILL');
  };
  try {
    await stage.until('the leader was killed', () => killed !== undefined, 20_000);
    await killed;
  } finally {
    gate.doom = undefined;
    gate.onDoomed = undefined;
  }
  if (gate.doomed === before) throw new Error('no answer was kept');
  await leader.start();
}

export const killedListener: Scenario = {
  number: 11,
  says: 'the leading listener is killed after its commit and before it publishes, and after it published and before it notes that',
  house: 'plain',
  inCi: true,
  mixes: true,
  async play(stage) {
    const { postgres, redis } = stage.house.gates;
    const starts = (): number => stage.house.listeners.reduce((sum, member) => sum + member.starts, 0);
    const before = starts();
    await stage.fault('listener killed after a commit', () => killAtAnswer(stage, postgres, (bytes) => bytes.includes('commit_block')));
    await stage.settled();
    await stage.fault('listener killed after publishing', () => killAtAnswer(stage, redis, (bytes) => bytes.includes('"type":"tip"')));
    await stage.settled();
    stage.effect(starts() - before === 2, 'both times the leader was killed with its answer on the way');
  },
};

export const frozenListener: Scenario = {
  number: 12,
  says: 'the leading listener is frozen for a minute, another one leads, and then there are two',
  house: 'plain',
  inCi: false,
  mixes: true,
  async play(stage) {
    const { leader, standby } = await stage.leadership();
    const epoch = async (): Promise<number> => Number((await stage.house.rows('SELECT epoch FROM chain_leases'))[0]?.['epoch']);
    const before = await epoch();
    // One that is frozen says nothing, which is neither.
    const leading = (member: Member): Promise<number | undefined> =>
      member.metric('droppio_chain_state', 'what="leader"').catch(() => undefined);
    try {
      await stage.fault('leader frozen', async () => {
        leader.freeze();
        await stage.until('another one leads', async () => (await leading(standby)) === 1);
      });
      await stage.rest(FROZEN_MS);
    } finally {
      // Whatever became of it: a frozen one would hold up everything that comes after.
      leader.thaw();
    }
    await stage.fault('former leader wakes up', () =>
      stage.until('the former leader stands by', async () => (await leading(leader)) === 0),
    );
    await stage.settled();
    stage.effect((await epoch()) > before, `the lease went from fence ${String(before)} to ${String(await epoch())}`);
    stage.effect((await leading(standby)) === 1, 'who took over leads on');
  },
};

export const stalledWorker: Scenario = {
  number: 13,
  says: 'a worker stands still for longer than it may hold a job, and the job is run twice',
  house: 'plain',
  inCi: false,
  mixes: true,
  async play(stage) {
    const { redis, postgres } = stage.house.gates;
    const { standby } = await stage.leadership();
    const client = new Redis(redis.port, '127.0.0.1');
    const stalls = (): number =>
      stage.house.listeners.reduce((sum, member) => sum + (member.output().match(/job\.stalled/g)?.length ?? 0), 0);
    const before = stalls();
    let active = 0;
    try {
      await stage.fault('worker stands still with a job', async () => {
        // Feeds that are gone make jobs; a database that does not answer keeps them from being done.
        postgres.set('hole');
        await client.flushall();
        stage.house.gates.overlays.reset();
        const ours = async (): Promise<number> => {
          const keys = await client.keys('{droppio}:*:active');
          return (await Promise.all(keys.map((key) => client.llen(key)))).reduce((sum, length) => sum + length, 0);
        };
        await stage.until('jobs are at work', async () => (active = await ours()) > 2, 20_000);
        standby.freeze();
        postgres.set('open');
      });
      await stage.rest(FROZEN_MS);
      standby.thaw();
      await stage.settled();
    } finally {
      // Whatever became of it: what comes after is not to be held up.
      postgres.set('open');
      standby.thaw();
      client.disconnect();
    }
    stage.effect(stalls() > before, `${String(active)} jobs were at work, ${String(stalls() - before)} stalled and were run again`);
  },
};

export const wrongClocks: Scenario = {
  number: 25,
  says: 'one gateway is an hour ahead, one listener an hour behind',
  house: 'plain',
  inCi: false,
  mixes: true,
  async play(stage) {
    const { leader } = await stage.leadership();
    const gateway = stage.dice.pick(stage.house.gateways);
    const others = stage.house.gateways.filter((other) => other !== gateway);
    const wrong = (ms: number): Record<string, string> => ({
      NODE_OPTIONS: `--import=${new URL(`../faults/clock-shift.js?${String(ms)}`, import.meta.url).href}`,
    });
    const again = async (more: (ms: number) => Record<string, string>): Promise<void> => {
      stage.house.route(others);
      await Promise.all([gateway.end('SIGTERM'), leader.end('SIGKILL')]);
      await Promise.all([gateway.start(more(HOUR_MS)), leader.start(more(-HOUR_MS))]);
      stage.house.route();
    };
    await stage.fault('restarted with wrong clocks', () => again(wrong));
    const said = [gateway, leader].filter((member) => member.output().includes('clock shifted')).length;
    // Overlays have to come over, with something to be told of.
    await stage.fault('all links cut', () => Promise.resolve(void stage.house.gates.overlays.reset()), 25_000);
    await stage.rest(CLOCK_MS);
    await stage.settled();
    const held = await gateway.metric('droppio_gateway_sockets');
    await stage.fault('restarted with the right time', () => again(() => ({})));
    await stage.settled();
    stage.effect(said === 2, 'both said that their clocks are off');
    stage.effect(held > 0, `${String(held)} overlays were served by the gateway from the future`);
  },
};
