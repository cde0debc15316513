import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { tipId } from '@droppio/tips';
import { describe, expect, it } from 'vitest';
import { followed, JAR, testChain } from '../testing/follow-kit.js';
import { MemoryTipLedger } from '../testing/memory-tip-ledger.js';
import { aTx, ScriptedChain, type ScriptedTx } from '../testing/scripted-chain.js';
import { aRawTip } from '../testing/tip-log.js';
import { ChainFollower } from './chain-follower.js';

Logger.overrideLogger(false);

type Method = 'head' | 'blockByHash' | 'blockByNumber' | 'logs';
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('mine' as const), tips: fc.nat({ max: 3 }), again: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('reorg' as const),
      depth: fc.integer({ min: 1, max: 6 }),
      length: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      method: fc.constantFrom<Method>('head', 'blockByHash', 'blockByNumber', 'logs'),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('silence' as const), pushes: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rollback' as const), depth: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stale' as const), back: fc.nat({ max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('breathe' as const) }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Plays a story to followers and returns what the chain and the ledger hold at its end. */
async function play(steps: readonly Step[]): Promise<{ chain: ScriptedChain; ledger: MemoryTipLedger }> {
  const chain = new ScriptedChain(1, JAR);
  const ledger = new MemoryTipLedger();
  const sent: ScriptedTx[] = [];
  let follower = followed(chain, ledger, { chain: testChain({ window: 64 }) });
  const txs = (count: number, again: boolean): ScriptedTx[] => {
    const fresh = Array.from({ length: count }, () => aTx(aRawTip(), ...(count > 1 ? [aRawTip()] : [])));
    sent.push(...fresh);
    // A transaction that a fork threw out comes back, never twice on one branch.
    const held = new Set(chain.tips.map(({ txHash }) => txHash));
    const lost = again ? sent.find(({ hash }) => !held.has(hash) && !fresh.some((tx) => tx.hash === hash)) : undefined;
    return lost === undefined ? fresh : [lost, ...fresh];
  };
  for (let n = 0; n < 8; n += 1) chain.mine();
  for (const at of steps) {
    if (at.kind === 'mine') chain.mine(...txs(at.tips, at.again));
    if (at.kind === 'reorg') {
      chain.rollback(at.depth);
      for (let n = 0; n < at.length; n += 1) chain.mine(...txs(n % 2, n % 3 === 0));
    }
    if (at.kind === 'fail') chain.failNext(at.method, at.times);
    if (at.kind === 'silence') chain.pushes = at.pushes;
    if (at.kind === 'rollback') chain.rollback(at.depth);
    if (at.kind === 'stale') chain.push(chain.at(Math.max(0, chain.tip.number - at.back)));
    if (at.kind === 'breathe') await breathe();
    if (at.kind === 'restart') {
      const old = follower;
      follower = followed(chain, ledger, { chain: testChain({ window: 64 }) });
      await old.stop();
    }
  }
  chain.pushes = true;
  for (const method of ['head', 'blockByHash', 'blockByNumber', 'logs'] as const) chain.failNext(method, 0);
  chain.mine();
  await expect.poll(async () => (await ledger.cursor())?.hash, { interval: 2, timeout: 5000 }).toBe(chain.tip.hash);
  await follower.stop();
  return { chain, ledger };
}

const story = fc.array(step, { minLength: 5, maxLength: 60 });
/** Found by this property: heads of many branches, all gone and higher than the one that is left, each cost a longer pause. */
const GONE_BRANCHES: Step[] = [
  { kind: 'reorg', depth: 3, length: 6 },
  { kind: 'reorg', depth: 3, length: 1 },
  { kind: 'reorg', depth: 6, length: 4 },
  { kind: 'reorg', depth: 6, length: 8 },
  { kind: 'rollback', depth: 3 },
  { kind: 'reorg', depth: 6, length: 1 },
  { kind: 'breathe' },
];
const LEGAL = new Set(['tip', 'tip.updated', 'tip.retracted']);

describe(`${ChainFollower.name}, whatever happens`, () => {
  it('ends with exactly the tips of the chain, each told once, in gapless seqs and revisions', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (steps) => {
        const { chain, ledger } = await play(steps);
        const ranks = new Map<string, number>();
        const onChain = chain.tips.map(({ txHash }) => {
          const ordinal = ranks.get(txHash) ?? 0;
          ranks.set(txHash, ordinal + 1);
          return tipId({ chainId: 1, txHash, ordinal });
        });
        expect([...ledger.standing].sort()).toEqual(onChain.sort());
        for (const events of ledger.events.values()) {
          expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
          for (const id of new Set(events.map((event) => event.id))) {
            const told = events.filter((event) => event.id === id);
            expect(told.filter(({ type }) => type === 'tip')).toHaveLength(1);
            expect(told[0]?.type).toBe('tip');
            expect(told.every(({ type }) => LEGAL.has(type))).toBe(true);
          }
        }
      }),
      { numRuns: 60, examples: [[GONE_BRANCHES]] },
    );
  }, 60_000);
});
