import type { RawTx } from '../load/chain-driver.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';

const TIMES = 5;

/** Tips of this transaction are stored and told. */
async function isTold(stage: Stage, hash: string): Promise<boolean> {
  const [row] = await stage.house.rows(`SELECT count(*) AS n FROM creator_events WHERE type = 'tip' AND payload->>'id' LIKE $1`, [
    `%-${hash}-%`,
  ]);
  return Number(row?.['n']) > 0;
}

async function eventsOf(stage: Stage, hash: string): Promise<readonly string[]> {
  const rows = await stage.house.rows(`SELECT type FROM creator_events WHERE payload->>'id' LIKE $1 ORDER BY seq`, [`%-${hash}-%`]);
  return rows.map(({ type }) => String(type));
}

/** One tip in a block of its own time, told of, and then not too deep. */
async function tipToMove(stage: Stage): Promise<RawTx> {
  const tx = await stage.load.tip(stage.dice.pick(stage.audience.creators).wallet);
  await stage.until('a tip is told of', () => isTold(stage, tx.hash));
  return tx;
}

/** Everything again but `without`, one block longer. */
const without =
  (hash: string) =>
  (gone: readonly RawTx[][]): RawTx[][] => [...gone.map((txs) => txs.filter((tx) => tx.hash !== hash)), []];

export const droppedTip: Scenario = {
  number: 17,
  says: 'a fork of one to three blocks takes away a tip that was shown',
  house: 'plain',
  inCi: true,
  mixes: true,
  async play(stage) {
    let retracted = 0;
    for (let time = 0; time < TIMES; time += 1) {
      const tx = await tipToMove(stage);
      const depth = stage.dice.int(1, 3);
      await stage.fault(`fork of ${String(depth)}`, async () => {
        const { dropped } = await stage.chain.fork(() => Math.max(depth, stage.depthOf(tx.hash)), without(tx.hash));
        if (!dropped.some(({ hash }) => hash === tx.hash)) throw new Error('the fork kept the tip');
      });
      await stage.until('the tip is taken back', async () => (await eventsOf(stage, tx.hash)).at(-1) === 'tip.retracted', 30_000);
      retracted += 1;
    }
    await stage.settled();
    stage.effect(retracted === TIMES, `${String(retracted)} tips that were told of left the chain`);
  },
};

export const movedTip: Scenario = {
  number: 18,
  says: 'a fork brings a tip back in another block, at another place in it',
  house: 'plain',
  inCi: true,
  mixes: true,
  async play(stage) {
    let moved = 0;
    for (let time = 0; time < TIMES; time += 1) {
      const tx = await tipToMove(stage);
      const before = await placeOf(stage, tx.hash);
      // Half of them return at once, half after the fork was believed without them.
      const isLate = time % 2 === 1;
      await stage.fault('fork that moves a tip', async () => {
        await stage.chain.fork(
          () => stage.depthOf(tx.hash),
          (gone) => {
            const [first = [], ...others] = without(tx.hash)(gone);
            // Behind all that is in the first block, so that its log has another index.
            return isLate ? [first, ...others] : [[...first.reverse(), tx], ...others];
          },
        );
        if (!isLate) return;
        await stage.until('the tip is taken back', async () => (await eventsOf(stage, tx.hash)).at(-1) === 'tip.retracted', 30_000);
        stage.chain.queue(tx);
      });
      await stage.until('the tip has moved', async () => {
        const after = await placeOf(stage, tx.hash);
        return after !== undefined && after !== before && stage.depthOf(tx.hash) > 0;
      });
      const told = await eventsOf(stage, tx.hash);
      if (told.filter((type) => type === 'tip').length === 1) moved += 1;
    }
    await stage.settled();
    stage.effect(moved === TIMES, `${String(moved)} tips changed their block and were told of as new once`);
  },
};

async function placeOf(stage: Stage, hash: string): Promise<string | undefined> {
  const [row] = await stage.house.rows(
    `SELECT encode(block_hash, 'hex') || ' ' || log_index AS place FROM tips WHERE tx_hash = decode($1, 'hex') AND state IN ('confirmed', 'safe', 'finalized')`,
    [hash.slice(2)],
  );
  return row && String(row['place']);
}
