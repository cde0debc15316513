import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import {
  StorageUnavailable,
  tipId,
  type BackfillBlock,
  type BackfillOutcome,
  type BackfillRange,
  type BlockCommit,
  type BlockHeader,
} from '@droppio/tips';
import type { ChainLog, ChainPayment, CommitOutcome, Hex, LogFilter, RegisteredWallet, Reorg } from '@droppio/tips';
import { ManualClock, MemoryWalletRegister, randomHex } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { unregisteredMetrics } from '../metrics.js';
import { TipSpotter } from '../sight-tips.js';
import { JAR, NotingRelay, testChain } from '../testing/follow-kit.js';
import { MemoryTipLedger } from '../testing/memory-tip-ledger.js';
import { aTx, ScriptedChain, type ScriptedTx } from '../testing/scripted-chain.js';
import { aRawTransfer, aTransferLog } from '../testing/tip-log.js';
import { NATIVE_ORDINAL, transferOrdinal } from '../tip-ordinal.js';
import { WatchList } from '../watch-list.js';
import { BlockReader } from './block-reader.js';
import { ChainCommitter } from './chain-committer.js';
import { ChainLeader } from './chain-leader.js';
import { DrainRunner } from './drain-runner.js';
import { Finality } from './finality.js';
import { Newcomers } from './newcomers.js';

Logger.overrideLogger(false);

const USDC = randomHex(20);
const WALLETS = [randomHex(20), randomHex(20)] as const;
const chainOf = testChain({
  tokens: [{ address: USDC, symbol: 'USDC', decimals: 6 }],
  transfers: { tokens: true, native: true },
  window: 64,
});
type Wait = (label: string) => Promise<void>;

/*
 * The chain, the ledger and the register, each of whose answers comes when the scheduler says so: before and after the work is done, so that
 * "asked for", "done" and "heard of" fall apart in every way.
 */
class LateChain extends ScriptedChain {
  constructor(private readonly wait: Wait) {
    super(1, JAR);
  }
  override async logs(block: BlockHeader, filter: LogFilter): Promise<readonly ChainLog[]> {
    const logs = await super.logs(block, filter);
    await this.wait('logs');
    return logs;
  }
  override async payments(block: BlockHeader, isWatched: (address: Hex) => boolean): Promise<readonly ChainPayment[]> {
    const payments = await super.payments(block, isWatched);
    await this.wait('payments');
    return payments;
  }
}
class LateLedger extends MemoryTipLedger {
  /** The next backfills fail. */
  failures = 0;

  constructor(
    private readonly wait: Wait,
    now: () => number,
  ) {
    super(now);
  }
  override async commit(chainId: number, fence: number, commit: BlockCommit): Promise<CommitOutcome> {
    await this.wait('commit');
    const outcome = await super.commit(chainId, fence, commit);
    await this.wait('committed');
    return outcome;
  }
  override async reorganise(chainId: number, fence: number, reorg: Reorg): Promise<CommitOutcome> {
    await this.wait('reorganise');
    const outcome = await super.reorganise(chainId, fence, reorg);
    await this.wait('reorganised');
    return outcome;
  }
  override async backfill(chainId: number, range: BackfillRange, blocks: readonly BackfillBlock[]): Promise<BackfillOutcome> {
    await this.wait('backfill');
    if (this.failures > 0) {
      this.failures -= 1;
      throw new StorageUnavailable('scripted failure');
    }
    const outcome = await super.backfill(chainId, range, blocks);
    await this.wait('backfilled');
    return outcome;
  }
}
class LateRegister extends MemoryWalletRegister {
  constructor(
    private readonly wait: Wait,
    now: () => number,
  ) {
    super(now);
  }
  override async walletsSince(ageMs: number, limit: number): Promise<readonly RegisteredWallet[]> {
    const found = await super.walletsSince(ageMs, limit);
    await this.wait('wallets');
    return found;
  }
}

interface World {
  readonly chain: LateChain;
  readonly ledger: LateLedger;
  readonly register: LateRegister;
  readonly clock: ManualClock;
}

/** One process as leader: what `ChainFollower` puts together, without its timers. */
class Listener {
  readonly list: WatchList;
  private readonly blocks: BlockReader;
  private readonly newcomers: Newcomers;
  private readonly finality: Finality;
  private readonly drains: DrainRunner;
  private readonly metrics = unregisteredMetrics();
  private leader: ChainLeader | undefined;

  constructor(
    private readonly world: World,
    private readonly name: string,
  ) {
    const { chain, clock, ledger, register } = world;
    const { watch: metrics } = this.metrics;
    this.list = new WatchList(register, clock, metrics);
    this.drains = new DrainRunner(1, new NotingRelay(), ledger, this.metrics.follower);
    this.blocks = new BlockReader(chain, new TipSpotter(chainOf, this.list), { clock, metrics, watch: this.list, native: true });
    const publish = (told: Parameters<DrainRunner['publish']>[0]): void => {
      this.drains.publish(told);
    };
    this.newcomers = new Newcomers(chainOf, { ledger, clock, metrics, watch: this.list, blocks: this.blocks, publish });
    this.finality = new Finality(chain, clock, 1000, () => undefined);
  }

  /** One step of a leader; what fails is done again with the next. */
  async step(): Promise<void> {
    const { chain, clock } = this.world;
    try {
      this.leader ??= await this.open();
      await this.leader.follow({ head: chain.tip, receivedAtMs: clock.now() }, new AbortController().signal);
      await this.leader.settle();
    } catch {
      this.leader = undefined;
    }
  }

  private async open(): Promise<ChainLeader> {
    const { chain, clock, ledger } = this.world;
    const { metrics, drains, blocks, finality, newcomers } = this;
    const lease = await ledger.acquire(1, this.name, 1000, { force: true });
    const committer = await ChainCommitter.open(chainOf, lease?.fence ?? 0, chain, { ledger, clock, metrics, drains });
    await newcomers.begin(lease?.fence ?? 0, committer.window);
    return new ChainLeader(chainOf, committer, { reader: chain, blocks, finality, metrics, newcomers });
  }
}

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('mine' as const), pays: fc.boolean(), again: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reorg' as const), depth: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      method: fc.constantFrom('logs' as const, 'payments' as const, 'backfill' as const),
    }),
  },
);
const story = fc.record({
  steps: fc.array(step, { minLength: 3, maxLength: 14 }),
  /** Of each wallet, by the database's clock, against the first block of the chain. */
  registeredAtMs: fc.tuple(fc.integer({ min: -30_000, max: 40_000 }), fc.integer({ min: -30_000, max: 40_000 })),
  looks: fc.integer({ min: 1, max: 4 }),
});
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

/** One transaction that pays a wallet, in tokens or in coins. */
function aPayment(nth: number, to: Hex): ScriptedTx {
  if (nth % 3 === 2) return { ...aTx(), payment: { from: randomHex(20), to, amount: 5n } };
  return { ...aTx(), logs: [aTransferLog(aRawTransfer({ token: USDC, to }))] };
}
interface Payment {
  readonly tx: ScriptedTx;
  readonly to: 0 | 1;
  readonly times: number[];
}

const idOf = ({ hash, payment }: ScriptedTx): string =>
  tipId({ chainId: 1, txHash: hash, ordinal: payment === undefined ? (transferOrdinal(USDC, 0) ?? 0) : NATIVE_ORDINAL });

class Play {
  readonly world: World;
  /** Every payment, with the times of the blocks that it was ever in. */
  readonly payments: Payment[] = [];
  private listener: Listener;
  private standby: Listener;
  private processes = 2;

  constructor(
    private readonly told: Story,
    private readonly scheduler: fc.Scheduler,
  ) {
    const wait = (label: string): Promise<void> => scheduler.schedule(Promise.resolve(), label);
    const clock = new ManualClock(1_700_000_025_000);
    const now = (): number => clock.now();
    this.world = { chain: new LateChain(wait), ledger: new LateLedger(wait, now), register: new LateRegister(wait, now), clock };
    this.world.chain.remembers = true;
    this.listener = new Listener(this.world, 'process 1');
    this.standby = new Listener(this.world, 'process 2');
  }

  get start(): number {
    return this.world.chain.at(0).timestampMs;
  }

  async run(): Promise<void> {
    await Promise.all([this.listener.list.refresh(), this.standby.list.refresh()]);
    await this.scheduler.waitFor(Promise.all([this.lead(), this.signUp(0), this.signUp(1), this.look()]));
    await this.scheduler.waitFor(this.rest());
  }

  private async lead(): Promise<void> {
    for (const at of this.told.steps) {
      if (at.kind === 'mine') this.mine(at.pays, at.again);
      if (at.kind === 'reorg') this.reorg(at.depth);
      if (at.kind === 'fail' && at.method === 'backfill') this.world.ledger.failures = 2;
      if (at.kind === 'fail' && at.method !== 'backfill') this.world.chain.failNext(at.method, 2);
      if (at.kind === 'restart') await this.restart();
      await this.listener.step();
    }
  }

  private async signUp(nth: 0 | 1): Promise<void> {
    await this.scheduler.schedule(Promise.resolve(), 'sign up');
    this.world.register.register(WALLETS[nth], this.start + this.told.registeredAtMs[nth]);
  }

  private async look(): Promise<void> {
    for (let n = 0; n < this.told.looks; n += 1) await this.listener.list.refresh();
  }

  /** The chain goes on and nothing fails any more: whatever is to be found is found now. */
  private async rest(): Promise<void> {
    for (const method of ['logs', 'payments'] as const) this.world.chain.failNext(method, 0);
    this.world.ledger.failures = 0;
    for (let n = 0; n < 8; n += 1) {
      this.world.clock.advance(20_000);
      await this.listener.list.refresh();
      this.mine(false, false);
      await this.listener.step();
      // A search goes on beside the steps.
      for (let turns = 0; turns < 30; turns += 1) await this.scheduler.schedule(Promise.resolve(), 'turn');
    }
  }

  private async restart(): Promise<void> {
    this.processes += 1;
    // The old one is gone in the middle of whatever it did; what it had asked of the ledger may still happen. The new one has not heard everything.
    this.listener = this.standby;
    this.standby = new Listener(this.world, `process ${String(this.processes)}`);
    await this.standby.list.refresh();
  }

  private mine(pays: boolean, again: boolean): void {
    const { chain } = this.world;
    const held = new Set(this.onChain());
    const back = again ? this.payments.find(({ tx }) => !held.has(idOf(tx))) : undefined;
    const to = this.payments.length % 4 < 2 ? 0 : 1;
    const fresh: Payment[] = pays ? [{ tx: aPayment(this.payments.length, WALLETS[to]), to, times: [] }] : [];
    this.payments.push(...fresh);
    const mined = [...(back === undefined ? [] : [back]), ...fresh];
    const { timestampMs } = chain.mine(...mined.map(({ tx }) => tx));
    for (const payment of mined) payment.times.push(timestampMs);
  }

  private reorg(depth: number): void {
    this.world.chain.rollback(Math.min(depth, this.world.chain.tip.number));
    for (let n = 0; n <= depth; n += 1) this.mine(n === 1, n % 2 === 0);
  }

  onChain(): string[] {
    const { chain } = this.world;
    const ids: string[] = [];
    for (let number = 0; number <= chain.tip.number; number += 1) {
      const { hash } = chain.at(number);
      const there = new Set([...(chain.logsOf(hash) ?? []), ...(chain.paymentsOf(hash) ?? [])].map(({ txHash }) => txHash));
      ids.push(...this.payments.filter(({ tx }) => there.has(tx.hash)).map(({ tx }) => idOf(tx)));
    }
    return ids;
  }
}

describe(`${Newcomers.name}, whenever a wallet appears`, () => {
  it('finds each payment once, and tells each once that is not older than the wallet', async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(story, fc.scheduler(), async (told, scheduler) => {
        const play = new Play(told, scheduler);
        await play.run();
        const { ledger, chain } = play.world;
        expect(ledger.height).toBe(chain.tip.number);
        expect([...ledger.standing].sort()).toEqual(play.onChain().sort());
        for (const { tx, to, times } of play.payments) {
          const events = ledger.events.get(WALLETS[to]) ?? [];
          const alerts = events.filter(({ id, type }) => id === idOf(tx) && type === 'tip');
          const isNews = times.every((time) => time >= play.start + told.registeredAtMs[to]);
          expect(alerts.length).toBeLessThanOrEqual(1);
          if (isNews && ledger.standing.includes(idOf(tx))) expect(alerts).toHaveLength(1);
        }
        found += ledger.standing.length;
      }),
      { numRuns: 300 },
    );
    expect(found).toBeGreaterThan(100);
  }, 60_000);
});
