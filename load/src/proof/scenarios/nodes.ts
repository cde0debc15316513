import { fits, twisted } from '../../chaos/answer-faults.js';
import { Forger } from '../../chaos/forger.js';
import { Tally } from '../../chaos/tally.js';
import { refusals, type NodeFault } from '../faults/node-gate.js';
import { askAnew } from '../faults/node-answers.js';
import { EPOCH_SLOTS } from '../house/proof-house.js';
import type { Scenario } from './scenario.js';
import type { Stage } from './stage.js';

const EACH_MS = 3000;
const SELDOM_MS = 15_000;
const DOWN_MS = 300_000;
const BACKLOG = 300;
const PACE_MS = 50;
/** Ten seconds, and ten more for 6000 tips at scale 1: two cores that also hold two hundred viewers and four browsers bring 500 of them a second to everybody. */
const BACKLOG_MS = 20_000;
const LIE_MS = 20_000;
/** Which block is lied about is up to its hash: until then it must have mattered. */
const LIE_MOST_MS = 90_000;
const STRANGER = '0x1';
const BELOW_FINAL = 6;

export const moodyNode: Scenario = {
  number: 14,
  says: 'the node hides logs, jumps back and forth, refuses, is late, cuts its answers short',
  house: 'plain',
  inCi: false,
  mixes: true,
  async play(stage) {
    const [node] = stage.house.nodes;
    if (node === undefined) throw new Error('the house has no node');
    const kinds: string[] = [];
    for (const [name, fault] of Object.entries(moods(stage))) {
      const before = node.faults;
      await stage.fault(`node: ${name}`, async () => {
        node.set(fault);
        await stage.rest(EACH_MS);
        // Some questions are asked seldom.
        await stage.until(name, () => node.faults > before, SELDOM_MS).catch(() => undefined);
        node.set(undefined);
      });
      if (node.faults > before) kinds.push(`${name} × ${String(node.faults - before)}`);
    }
    await stage.settled();
    stage.effect(kinds.length === Object.keys(moods(stage)).length, kinds.join(', '));
  },
};

function moods({ dice, chain }: Stage): Readonly<Record<string, NodeFault>> {
  const often = (refuse: NonNullable<NodeFault['refuse']>): NodeFault => ({
    refuse: (question, response) => dice.chance(0.5) && refuse(question, response),
  });
  return {
    'no logs': {
      spoil: (question, answer) =>
        fits('empty-logs', question, answer) && dice.chance(0.7) ? twisted('empty-logs', question, answer) : answer,
    },
    'an old head': {
      spoil: ({ method, params }, answer) => {
        if (method !== 'eth_getBlockByNumber' || params[0] !== 'latest' || dice.chance(0.5)) return answer;
        return askAnew(chain.url, { method, params: [`0x${Math.max(0, chain.height - 3).toString(16)}`, false] });
      },
    },
    'no such block': {
      spoil: (question, answer) => (fits('null-block', question, answer) && dice.chance(0.5) ? { result: null } : answer),
    },
    '429': often(refusals.status(429)),
    '503': often(refusals.status(503)),
    'half an answer': often(refusals.cutJson),
    'a late hang-up': often(refusals.late(1500)),
    'a hang-up': often(refusals.hangUp),
  };
}

export const lyingNode: Scenario = {
  number: 15,
  says: 'one of three providers forges payments, another one serves another chain; others pay with worthless money or through another jar',
  house: 'three-providers',
  inCi: false,
  mixes: false,
  async play(stage) {
    const { house, chain, load, dice, audience } = stage;
    // Who is asked first lies.
    const [liar, , stranger] = house.nodes;
    if (stranger === undefined || liar === undefined) throw new Error('this house has too few providers');
    const payee = audience.unpaged.wallet;
    const tally = new Tally();
    const forger = new Forger(payee, tally);
    forger.isActive = true;
    const disagreements = async (): Promise<number> => {
      const counts = house.listeners.map((member) => member.metric('droppio_chain_quorum_disagree_total'));
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    };
    const { standby } = await stage.leadership();
    await stage.fault('a provider lies', async () => {
      liar.set({ spoil: (question, answer) => forger.forged(question, answer, chain.node.line) });
      stranger.set({ spoil: ({ method }, answer) => (method === 'eth_chainId' ? { result: STRANGER } : answer) });
      await standby.end('SIGKILL');
      await standby.start();
      const began = performance.now();
      const isOver = async (): Promise<boolean> => {
        const ms = performance.now() - began;
        return ms > LIE_MOST_MS || (ms > LIE_MS && (await disagreements()) > 0);
      };
      while (!(await isOver())) {
        const { wallet } = dice.pick(audience.creators);
        chain.queue(await house.facts.mint.tip(wallet, 10n ** 18n, 'through another jar', 'otherJar'));
        chain.queue(await house.facts.mint.madeUpMoney(wallet, 10n ** 18n, 'worthless'));
        // Nothing is no tip: the jar refuses it.
        chain.queue(await house.facts.mint.tip(wallet, 0n, 'nothing'));
        await load.tip(payee);
        await stage.rest(500);
      }
      liar.set(undefined);
      stranger.set(undefined);
    });
    await stage.settled();
    const forged = tally
      .list('forged:')
      .map(([name, count]) => `${name} × ${String(count)}`)
      .join(', ');
    const disputed = await disagreements();
    stage.effect(
      liar.faults > 0 && disputed > 0,
      `${String(liar.faults)} answers were forged (${forged}), providers disagreed ${String(disputed)} times`,
    );
    stage.effect(stranger.faults > 0, `${String(stranger.faults)} times a provider was another chain's`);
  },
};

export const deafToTheNode: Scenario = {
  number: 16,
  says: `no node answers for five minutes, shorter at a smaller scale, and then there are the ${String(BACKLOG)} blocks of five minutes`,
  house: 'plain',
  inCi: false,
  mixes: true,
  async play(stage) {
    const { house, chain, load, dice, audience } = stage;
    const height = chain.height;
    const lastsMs = DOWN_MS * Math.min(1, house.plan.scale);
    const began = performance.now();
    let downMs = 0;
    let behind = 0;
    await stage.fault(
      'all nodes gone',
      async () => {
        for (const node of house.nodes) node.set({ refuse: refusals.hangUp, isMute: true });
        while ((downMs = performance.now() - began) < lastsMs || chain.height - height < BACKLOG) {
          // What the chain does not make by itself in this time is made beside it.
          if (chain.height - height < (BACKLOG * downMs) / lastsMs - 1) {
            await load.tip(dice.pick(audience.creators).wallet);
            await chain.mine();
          }
          // The proxies of the house run in this process, too: they must not be held up.
          await stage.rest(PACE_MS);
        }
        behind = chain.height - (await stage.storedHeight());
        for (const node of house.nodes) node.set(undefined);
      },
      BACKLOG_MS,
    );
    await stage.settled();
    const what = `${String(behind)} of ${String(chain.height - height)} blocks were not known when they came back after ${(downMs / 1000).toFixed(0)} s`;
    stage.effect(behind >= BACKLOG, what);
  },
};

export const deepFork: Scenario = {
  number: 19,
  says: 'the node forks deeper than what is final; the chain stops and says so, and goes on when the node is right again',
  house: 'plain',
  inCi: false,
  mixes: false,
  async play(stage) {
    const { chain, house } = stage;
    await chain.mineMany(Math.max(0, 2 * EPOCH_SLOTS + 20 - chain.height));
    await stage.settled();
    const finalHeight = async (): Promise<number> =>
      Number((await house.rows('SELECT finalized_number FROM chain_cursors'))[0]?.['finalized_number'] ?? -1);
    await stage.until('something is final', async () => (await finalHeight()) > 8);
    // Below what the listeners know to be final, not only the node. Asked in the turn of the fork: the chain grows meanwhile.
    const depth = async (): Promise<number> => chain.height - (await finalHeight()) + BELOW_FINAL;
    const words: string[] = [];
    const retracted = async (): Promise<number> =>
      Number((await house.rows(`SELECT count(*) AS n FROM creator_events WHERE type = 'tip.retracted'`))[0]?.['n']);
    const before = await retracted();
    await stage.fault('fork below what is final', async () => {
      await chain.forkAndReturn(depth, async () => {
        await stage.until(
          'the chain has stopped',
          async () => {
            const reports = await Promise.all(house.listeners.map((member) => member.ready().catch(() => ({ ok: true, text: '' }))));
            words.push(...reports.filter(({ ok, text }) => !ok && text.includes('needs a person')).map(({ text }) => text));
            return words.length > 0;
          },
          60_000,
        );
      });
      // The person looks at the node, finds it right again, and starts the listeners anew.
      await Promise.all(house.listeners.map((member) => member.end('SIGTERM')));
      await Promise.all(house.listeners.map((member) => member.start()));
    });
    await stage.settled();
    stage.effect(words.length > 0, 'the listener said that its chain is stopped and needs a person');
    stage.effect((await retracted()) === before, 'nothing was taken back meanwhile');
  },
};
