import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { BlockHeader, CommitOutcome, Creator, ModeratedTip, ModerationRules, SightedTip, TipKey } from '@droppio/tips';
import { aBlock, aTip } from '@droppio/tips/testing';
import * as z from 'zod';
import { aChainId, aCommit, aCreator, story, walletOf } from './chain-story.js';
import type { TestStorage } from './test-database.js';

const FENCE = 1;
const Message = z.object({ message: z.string() });

/** A chain and a creator with rules, new for every test, and the words to speak of them. */
export class ScreeningStage {
  chainId = 0;
  private made: { storage: TestStorage; genesis: BlockHeader; creator: Creator } | undefined;

  /** In a `describe`: sets the stage before each test. */
  static set(make: () => Promise<TestStorage>): ScreeningStage {
    const stage = new ScreeningStage();
    let storage: TestStorage | undefined;
    beforeAll(async () => {
      storage = await make();
    });
    afterAll(() => storage?.drop());
    beforeEach(async () => {
      if (storage !== undefined) await stage.begin(storage);
    });
    return stage;
  }

  get storage(): TestStorage {
    return this.all.storage;
  }

  get genesis(): BlockHeader {
    return this.all.genesis;
  }

  get creator(): Creator {
    return this.all.creator;
  }

  set creator(creator: Creator) {
    this.made = { ...this.all, creator };
  }

  async rules(rules: ModerationRules): Promise<number> {
    return (await this.storage.moderation.setRules(this.creator.id, 'any', rules)).version;
  }

  async alertAfter(blocks: number): Promise<void> {
    await this.storage.directory.changeCreator(this.creator.id, { alertAfter: blocks });
  }

  commit(block: BlockHeader, tips: readonly SightedTip[] = [], onTop = 0): Promise<CommitOutcome> {
    return this.storage.ledger.commit(this.chainId, FENCE, { ...aCommit(block, tips), onTop });
  }

  /** From a block on the genesis to other blocks on it. */
  reorg(from: BlockHeader, branch: readonly (readonly [BlockHeader, readonly SightedTip[]])[]): Promise<CommitOutcome> {
    return this.storage.ledger.reorganise(this.chainId, FENCE, {
      from,
      ancestor: this.genesis,
      branch: branch.map(([block, tips]) => aCommit(block, tips)),
    });
  }

  finalize(marks: { safe?: BlockHeader; finalized?: BlockHeader }): Promise<CommitOutcome> {
    return this.storage.ledger.finalize(this.chainId, FENCE, marks);
  }

  screen(): Promise<boolean> {
    return this.storage.ledger.screen(this.creator.id);
  }

  approve(tip: SightedTip): Promise<ModeratedTip> {
    return this.storage.moderation.approve(this.creator.id, this.keyOf(tip));
  }

  reject(tip: SightedTip): Promise<ModeratedTip> {
    return this.storage.moderation.reject(this.creator.id, this.keyOf(tip));
  }

  hideMessage(tip: SightedTip): Promise<ModeratedTip> {
    return this.storage.moderation.hideMessage(this.creator.id, this.keyOf(tip));
  }

  replay(tip: SightedTip): Promise<string> {
    return this.storage.moderation.replay(this.creator.id, this.keyOf(tip));
  }

  saying(message: string, fields: Partial<SightedTip> = {}): SightedTip {
    const tip = aTip({ creator: walletOf(this.creator), message, ...fields });
    return tip.display === undefined ? tip : { ...tip, display: { ...tip.display, message } };
  }

  keyOf({ txHash, ordinal }: SightedTip): TipKey {
    return { chainId: this.chainId, txHash, ordinal };
  }

  stream(): ReturnType<TestStorage['ledger']['eventsAfter']> {
    return this.storage.ledger.eventsAfter(this.creator.id, 0, 1000);
  }

  async events(): Promise<string[]> {
    return story(await this.stream());
  }

  async texts(): Promise<string[]> {
    return (await this.stream()).map((event) => ('d' in event && 'message' in event.d ? event.d.message : event.type));
  }

  /** Everything that any overlay could ever be sent, as it is stored. */
  rows(): Promise<unknown> {
    return this.storage.database.source.query('SELECT payload::text AS payload FROM creator_events WHERE creator_id = $1', [
      this.creator.id,
    ]);
  }

  /** Messages as the chain has them. */
  async stored(): Promise<string[]> {
    const statement = 'SELECT message FROM tips WHERE told_to = $1 ORDER BY 1';
    return (await this.storage.database.rows(Message, statement, [this.creator.id])).map(({ message }) => message);
  }

  async queue(screening: 'held' | 'rejected' | 'shown'): Promise<string[]> {
    const { tips } = await this.storage.moderation.alerts({ creatorId: this.creator.id, screening, limit: 200 });
    return tips.map(({ txHash }) => txHash);
  }

  /** What a commit answers. */
  committed(isTold: boolean, isWaiting: boolean): CommitOutcome {
    const mine = [this.creator.id];
    return { kind: 'committed', creators: isTold ? mine : [], ...(isWaiting && { unscreened: mine }) };
  }

  private get all(): NonNullable<ScreeningStage['made']> {
    if (this.made === undefined) throw new Error('outside of a test');
    return this.made;
  }

  private async begin(storage: TestStorage): Promise<void> {
    this.chainId = aChainId();
    const genesis = aBlock({ number: 100 });
    await storage.ledger.begin(this.chainId, genesis, FENCE);
    this.made = { storage, genesis, creator: await aCreator(storage) };
  }
}
