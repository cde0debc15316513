import { setTimeout as sleep } from 'node:timers/promises';
import { DROP_AFTER } from './chain-setting.js';
import { Dice } from './dice.js';
import { FaultyChain } from './faulty-chain.js';
import { SLOTS } from './failpoints.js';
import type { Group } from './group.js';
import { jumpClock, liftTraps, prepare, type Trap } from './process-actions.js';
import { promisedFor, promisedLogs } from './promises.js';
import type { BlockPlan, ChainAction, Fate, Plan, Step } from './scenario.js';
import { TipMaker } from './tip-maker.js';
import { lineage, TwinChains, type ChainBlock, type Twin } from './twin-chains.js';

/** Longest wait for a sign of life after a step. */
const BEAT_MS = 700;
const PATIENCE_BLOCKS = DROP_AFTER + 1;

/** One seed's chain: its nodes, its endpoints and everything that happens to them. */
export class ChainStory {
  readonly traps: Trap[] = [];
  private readonly known: string[] = [];
  private readonly dice: Dice;

  readonly chainId: number;

  private constructor(
    readonly plan: Plan,
    readonly group: Group,
    readonly twins: TwinChains,
    readonly chain: FaultyChain,
    readonly maker: TipMaker,
  ) {
    this.dice = new Dice(plan.seed).fork(1_000_003);
    this.chainId = chain.chainId;
  }

  static async open(plan: Plan, chainId: number, group: Group): Promise<ChainStory> {
    const { anvilPath } = group.services;
    const twins = await TwinChains.start({ anvilPath, chainId, epochSlots: plan.epochSlots });
    const chain = new FaultyChain(chainId, plan, twins, {
      failpoints: group.failpoints,
      tally: group.tally,
      payee: group.wallets[0] ?? '',
    });
    const maker = new TipMaker(chainId, group.wallets);
    const block = await twins.mine('a', await maker.deployments(plan.traits.money !== undefined));
    await twins.moveTo('b', block);
    group.proxy.add(chain);
    return new ChainStory(plan, group, twins, chain, maker);
  }

  async play(): Promise<void> {
    for (const [index, step] of this.plan.steps.entries()) await this.step(step, index);
    await this.end();
  }

  /** A block on the chain that counts, told to everybody. */
  async mine(txs: readonly string[]): Promise<ChainBlock> {
    const { active } = this.twins;
    const block = await this.twins.mine(active, txs);
    this.chain.announce(active, block);
    return block;
  }

  /** A block that nodes tell of before it is there, where they do that. */
  private async seal(txs: readonly string[]): Promise<void> {
    const { twins, chain, group, maker } = this;
    if (!this.plan.promises || txs.length === 0 || this.dice.chance(0.3)) {
      await this.mine(txs);
      return;
    }
    for (const slot of SLOTS) chain.limit(slot, twins.head.number);
    const block = await twins.mine(twins.active, txs);
    const { logs, lie } = await promisedLogs(twins.nodes[twins.active].line, block, maker.jar, this.dice);
    const { source } = this.plan.traits;
    chain.promise(logs, source);
    group.tally.add(`promised:${source}`, logs.length);
    if (lie !== 'none') group.tally.add(`promised:${lie}`);
    await sleep(promisedFor(source, this.dice));
    chain.unlimit();
    chain.pending = [];
    chain.announce(twins.active, block);
  }

  async oneTip(): Promise<string[]> {
    if (this.maker.isExhausted) return [];
    const raw = await this.maker.make({
      amounts: [this.dice.int(1, 1_000_000)],
      ways: ['jar'],
      firstCreator: this.dice.int(0, 99),
      message: 'one',
    });
    this.known.push(raw);
    return [raw];
  }

  /** Leaves the newest blocks for others: the other twin is brought to the fork and mines on. */
  async fork(depth: number, blocks: readonly (readonly string[])[]): Promise<Twin> {
    const { twins } = this;
    const twin = twins.passive;
    await twins.moveTo(twin, twins.below(twins.head, depth));
    for (const txs of blocks) await twins.mine(twin, txs);
    return twin;
  }

  switchTo(twin: Twin, depth: number): void {
    this.twins.active = twin;
    this.chain.announce(twin, this.twins.head);
    this.group.tally.add('chain:reorgs');
    this.group.tally.add(`depth:${String(depth).padStart(2, '0')}`);
    this.group.tally.most('chain:deepest', depth);
  }

  /** One more block where the chain was to rest: what a live chain would do within seconds. */
  async nudge(): Promise<void> {
    await this.mine([]);
  }

  async stop(): Promise<void> {
    this.group.proxy.remove(this.chain);
    await this.twins.stop();
  }

  private async step(step: Step, index: number): Promise<void> {
    const { chain, group } = this;
    await group.pair.somebody();
    chain.forgeIn(index);
    for (const endpoint of chain.endpoints) {
      endpoint.pinned = undefined;
      endpoint.behind = step.lagging.includes(endpoint.index) ? 2 : 0;
    }
    for (const { endpoint, kind, times } of step.faults) chain.endpoints[endpoint]?.charge(kind, times);
    const settle = prepare(step.process, this);
    const before = group.commits.get(this.chainId) ?? 0;
    await this.act(step.chain);
    if (step.chain.kind !== 'rest') await this.beat(before);
    await settle();
    group.tally.add(`action:${step.chain.kind}`);
    await sleep(step.pauseMs);
  }

  /** Gives the listeners the time to notice, not the time to finish. */
  private async beat(before: number): Promise<void> {
    const deadline = Date.now() + BEAT_MS;
    while ((this.group.commits.get(this.chainId) ?? 0) === before && Date.now() < deadline) await sleep(10);
  }

  private async act(action: ChainAction): Promise<void> {
    switch (action.kind) {
      case 'mine':
        for (const block of action.blocks) await this.seal(await this.txsOf(block));
        return;
      case 'reorg':
        return this.reorg(action.depth, action.longer, action.fate);
      case 'split':
        return this.split(action.depth, action.longer, action.fate);
      case 'rollback':
        return this.rollback(action.depth);
      case 'flip':
        this.flip();
        return;
      case 'rest':
        return;
    }
  }

  private async reorg(wanted: number, longer: number, fate: Fate): Promise<void> {
    const depth = Math.min(wanted, this.twins.deepest);
    if (depth === 0) {
      await this.mine(await this.oneTip());
      return;
    }
    this.switchTo(await this.fork(depth, this.branchOf(depth, longer, fate)), depth);
  }

  private async split(wanted: number, longer: number, fate: Fate): Promise<void> {
    const depth = Math.min(wanted, this.twins.deepest);
    if (depth === 0) return;
    const twin = await this.fork(depth, this.branchOf(depth, longer, fate));
    const [first] = this.dice.shuffled(this.chain.endpoints);
    if (first !== undefined) first.pinned = twin;
    this.chain.announce(twin, this.twins.headOf(twin));
    this.group.tally.add('chain:splits');
    await sleep(this.dice.int(50, 250));
    if (first !== undefined) first.pinned = undefined;
    if (this.dice.chance(0.5)) this.switchTo(twin, depth);
    else this.chain.announce(this.twins.active, this.twins.head);
  }

  private async rollback(wanted: number): Promise<void> {
    const depth = Math.min(wanted, this.twins.deepest);
    if (depth === 0) return;
    await this.fork(depth, []);
    this.twins.active = this.twins.passive;
    this.group.tally.add('chain:rollbacks');
  }

  private flip(): void {
    if (!this.twins.mayFlip) return;
    this.switchTo(this.twins.passive, this.twins.head.number - this.forkNumber());
    this.group.tally.add('chain:flips');
  }

  private forkNumber(): number {
    const hashes = new Set(this.lineageOf(this.twins.headOf(this.twins.passive)).map(({ hash }) => hash));
    return Math.max(0, ...this.lineageOf(this.twins.head).flatMap(({ hash, number }) => (hashes.has(hash) ? [number] : [])));
  }

  /** The blocks of a branch that replaces the newest ones. */
  private branchOf(depth: number, longer: number, fate: Fate): string[][] {
    const { twins, dice } = this;
    const replaced = lineage(twins.below(twins.head, depth), twins.head).map(({ txs }) => [...txs]);
    const blocks = [...replaced.map(() => [] as string[]), ...Array.from({ length: longer }, () => [] as string[])];
    this.group.tally.add(`fate:${fate}`);
    if (fate === 'none') return blocks;
    if (fate === 'kept') return blocks.map((_, index) => replaced[index] ?? []);
    const all = dice.shuffled(replaced.flat());
    for (const tx of fate === 'some' ? all.slice(all.length >> 1) : all) dice.pick(blocks).push(tx);
    return blocks;
  }

  private async txsOf({ txs, resent }: BlockPlan): Promise<string[]> {
    const used = new Set(this.lineageOf(this.twins.head).flatMap((block) => block.txs));
    const dropped = this.known.filter((raw) => !used.has(raw)).slice(0, resent);
    this.group.tally.add('chain:resent', dropped.length);
    const fresh: string[] = [];
    for (const tx of txs) if (!this.maker.isExhausted) fresh.push(await this.maker.make(tx));
    this.known.push(...fresh);
    return this.dice.shuffled([...dropped, ...fresh]);
  }

  private lineageOf(head: ChainBlock): ChainBlock[] {
    return lineage(this.twins.below(head, head.number), head);
  }

  /** All endpoints tell the truth again, but for one that forges to the end, and the chain comes to rest: grown, on a rival of the same height, or back on a branch it had left. */
  private async end(): Promise<void> {
    this.chain.heal();
    this.chain.forgeIn(undefined);
    do await this.mine(await this.txsOf({ txs: [], resent: 1 }));
    while (this.twins.head.number < this.twins.highest);
    // A promise that nothing came of is taken back some blocks later.
    const patience = PATIENCE_BLOCKS + this.plan.traits.confirmations - 1;
    if (this.plan.promises) for (let blocks = 0; blocks < patience; blocks += 1) await this.mine([]);
    await liftTraps(this);
    if (this.plan.traits.lastJumpMs !== undefined) jumpClock(this, 'leader', this.plan.traits.lastJumpMs);
    const way = this.dice.weighted([['grown', 6] as const, ['rival', 2] as const, ['back', 2] as const]);
    const depth = Math.min(this.dice.int(1, 3), this.twins.deepest);
    this.group.tally.add(`end:${way}`);
    if (way !== 'grown' && depth > 0) {
      this.switchTo(await this.fork(depth, this.branchOf(depth, 0, 'moved')), depth);
      if (way === 'back') {
        await sleep(this.dice.int(100, 400));
        this.switchTo(this.twins.passive, depth);
      }
    }
    this.chain.announce(this.twins.active, this.twins.head);
  }
}
