import type { ChainStory, SeenBlock, SeenTip } from './ledger-of-truth.js';

const AGAIN_MS = 5000;

export interface StandingTip extends SeenTip {
  /** When the chain took it on for good. */
  readonly since: number;
}

/** What the chain says in the end, and what it took back on the way. */
export interface ChainTruth {
  /** Tips that stand, in the order of the chain. */
  readonly standing: readonly StandingTip[];
  /** Every tip of every branch, as it was first seen. */
  readonly ever: ReadonlyMap<string, SeenTip>;
  /** When each tip that once stood was taken back, perhaps to come again. */
  readonly taken: ReadonlyMap<string, readonly number[]>;
  readonly head: number;
}

/** Replays the heads one after the other. */
export function truthOf({ blocks, heads }: ChainStory): ChainTruth {
  const ever = new Map<string, SeenTip>();
  for (const block of blocks.values()) for (const tip of block.tips) if (!ever.has(tip.id)) ever.set(tip.id, tip);
  const taken = new Map<string, number[]>();
  const since = new Map<string, number>();
  let line: readonly SeenBlock[] = [];
  for (const head of heads) {
    const next = lineTo(head.hash, blocks, line);
    const shared = sharedLength(line, next);
    const news = next.slice(shared);
    const stands = new Set(news.flatMap(({ tips }) => tips.map(({ id }) => id)));
    for (const { id } of line.slice(shared).flatMap(({ tips }) => tips)) {
      taken.set(id, [...(taken.get(id) ?? []), head.at]);
      if (!stands.has(id)) since.delete(id);
    }
    for (const block of news) for (const { id } of block.tips) since.set(id, standsSince(block, head.at));
    line = next;
  }
  const standing = line.flatMap(({ tips }) => tips.map((tip) => ({ ...tip, since: since.get(tip.id) ?? 0 })));
  return { standing, ever, taken, head: line.at(-1)?.number ?? 0 };
}

function sharedLength(one: readonly SeenBlock[], other: readonly SeenBlock[]): number {
  const different = one.findIndex((block, place) => other[place]?.hash !== block.hash);
  return different < 0 ? one.length : different;
}

/** A block that is found again after a fork and back stands since then, not since it was first seen. */
const standsSince = (block: SeenBlock, headAt: number): number => (headAt - block.at < AGAIN_MS ? block.at : headAt);

function lineTo(hash: string, blocks: ReadonlyMap<string, SeenBlock>, before: readonly SeenBlock[]): readonly SeenBlock[] {
  const places = new Map(before.map((block, place) => [block.hash, place]));
  const news: SeenBlock[] = [];
  for (let at = blocks.get(hash); at !== undefined; at = blocks.get(at.parentHash)) {
    const place = places.get(at.hash);
    if (place !== undefined) return [...before.slice(0, place + 1), ...news.reverse()];
    news.push(at);
  }
  return news.reverse();
}
