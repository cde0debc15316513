import { Logger } from '@nestjs/common';
import type { Hex } from '@droppio/tips';
import type { ContractCaller } from '../nodes/contract-caller.js';
import { ASK_DECIMALS, ASK_ROUND, failureOf, readDecimals, readRound, type FeedRound } from './feed-answer.js';
import { pegged, type UnitPrice } from './usd-amount.js';
import type { SequencerFeed, UsdFeed, UsdSource } from './usd-settings.js';

/** A block and the moment it was made. */
export interface BlockMoment {
  readonly blockHash: Hex;
  readonly blockTimestampMs: number;
}

/** What a source says of one block. */
export interface PriceInBlock extends UnitPrice {
  readonly source: string;
  readonly roundId?: string;
  readonly pricedAtMs: number;
}

/**
 * What the chain itself says of that block, which no look changes any more: `stale`, `not-positive`, `sequencer` (down, or only just up again).
 * What may come right: `reverted` and `unreadable` (the feed), `decimals` (the settings), `pruned` and `no-answer` (the nodes).
 */
export type NoPriceReason = 'stale' | 'not-positive' | 'sequencer' | 'reverted' | 'unreadable' | 'decimals' | 'pruned' | 'no-answer';

/** No price for that block. */
export class NoPrice extends Error {
  constructor(
    readonly reason: NoPriceReason,
    options?: ErrorOptions,
  ) {
    super(`There is no price: ${reason}.`, options);
  }

  get isForEver(): boolean {
    return ['stale', 'not-positive', 'sequencer'].includes(this.reason);
  }
}

/** Reads prices in the very block of a tip, so that anybody can read the same again. */
export class PriceReader {
  private readonly logger = new Logger('chain');
  /** A feed never changes them: its users could not know. */
  private readonly decimals = new Map<Hex, number>();

  constructor(
    private readonly chainId: number,
    private readonly contracts: Pick<ContractCaller, 'call'>,
    private readonly sequencer?: SequencerFeed | undefined,
  ) {}

  /** Throws `NoPrice`. */
  async priceIn(source: UsdSource, block: BlockMoment): Promise<PriceInBlock> {
    if ('peg' in source) return { ...pegged(source.peg), source: 'peg', pricedAtMs: block.blockTimestampMs };
    await this.expectDecimals(source, block);
    if (this.sequencer !== undefined) await this.expectSequencer(this.sequencer, block);
    const { roundId, answer, updatedAt } = await this.round(source.feed, block);
    if (answer <= 0n) throw new NoPrice('not-positive');
    const age = secondsOf(block) - updatedAt;
    if (age < 0n) throw new NoPrice('unreadable');
    if (age > BigInt(source.maxAgeSec)) throw new NoPrice('stale');
    const price = { answer, decimals: source.decimals, source: source.feed };
    return { ...price, roundId: roundId.toString(), pricedAtMs: Number(updatedAt) * 1000 };
  }

  private async expectDecimals({ feed, decimals }: UsdFeed, block: BlockMoment): Promise<void> {
    const told = this.decimals.get(feed) ?? readDecimals(await this.call(feed, ASK_DECIMALS, block));
    if (told === undefined) throw new NoPrice('unreadable');
    if (!this.decimals.has(feed) && told !== decimals)
      this.logger.error('price.decimals-differ', { chainId: this.chainId, feed, told, expected: decimals });
    this.decimals.set(feed, told);
    if (told !== decimals) throw new NoPrice('decimals');
  }

  private async expectSequencer({ feed, graceSec }: SequencerFeed, block: BlockMoment): Promise<void> {
    const { answer, startedAt } = await this.round(feed, block);
    const isUp = answer === 0n && startedAt > 0n && secondsOf(block) - startedAt >= BigInt(graceSec);
    if (!isUp) throw new NoPrice('sequencer');
  }

  private async round(feed: Hex, block: BlockMoment): Promise<FeedRound> {
    const round = readRound(await this.call(feed, ASK_ROUND, block));
    if (round === undefined) throw new NoPrice('unreadable');
    return round;
  }

  private async call(to: Hex, data: Hex, { blockHash }: BlockMoment): Promise<Hex> {
    try {
      return await this.contracts.call({ to, data, blockHash });
    } catch (error) {
      throw new NoPrice(failureOf(error), { cause: error });
    }
  }
}

function secondsOf({ blockTimestampMs }: BlockMoment): bigint {
  return BigInt(Math.floor(blockTimestampMs / 1000));
}
