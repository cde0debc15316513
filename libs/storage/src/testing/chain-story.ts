import type { BlockCommit, BlockHeader, Creator, CreatorEvent, SightedTip } from '@droppio/tips';
import { randomHex, randomInt } from '@droppio/tips/testing';
import type { TestStorage } from './test-database.js';

let chains = 1000 + randomInt(1_000_000);
/** Every test has a chain and creators of its own, so one database serves them all. */
export const aChainId = (): number => (chains += 1);

export const aCommit = (block: BlockHeader, tips: readonly SightedTip[] = []): BlockCommit => ({
  block,
  seenAtMs: block.timestampMs + 300,
  tips: tips.map((tip, logIndex) => ({ ...tip, logIndex })),
  quarantined: [],
});

export function aCreator({ directory }: TestStorage, wallets = 1): Promise<Creator> {
  return directory.createCreator({
    handle: `c-${randomHex(8).slice(2)}`,
    displayName: 'Ada',
    wallets: Array.from({ length: wallets }, () => randomHex(20)),
    accessTokenHash: Buffer.from(randomHex(32).slice(2), 'hex'),
  });
}

export function walletOf(creator: Creator): Creator['wallets'][number] {
  const [wallet] = creator.wallets;
  if (wallet === undefined) throw new Error('a creator without wallets');
  return wallet;
}

/** `tip 1 confirmed`: the story of a stream, one word a part. */
export const story = (events: readonly CreatorEvent[]): string[] =>
  events.map((event) => ('rev' in event ? `${event.type} r${String(event.rev)} ${event.state}` : event.type));

export function displayOf(tip: SightedTip, raw: string): NonNullable<SightedTip['display']> {
  if (tip.display === undefined) throw new Error('a tip without display');
  return { ...tip.display, amount: { ...tip.display.amount, raw } };
}
