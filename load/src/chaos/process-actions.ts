import { setTimeout as sleep } from 'node:timers/promises';
import { cursorOf, leaderOf } from './audit.js';
import type { ChainStory } from './chain-story.js';
import type { Moment, Ruling, Slot } from './failpoints.js';
import { roleOf } from './group.js';
import type { FailpointName, ProcessAction } from './scenario.js';

const FIRE_MS = 2000;
const TAKEOVER_MS = 5000;
const CURSOR_MS = 4000;
const POLL_MS = 30;

/** What has to wait until the chain has moved. */
type Settle = () => Promise<void>;
const nothing: Settle = () => Promise.resolve();

/** Lays the trap before the chain moves; the returned work ends it. */
export function prepare(action: ProcessAction | undefined, story: ChainStory): Settle {
  const { services, pair, tally } = story.group;
  if (action === undefined) return nothing;
  tally.add(`process:${action.kind}`);
  switch (action.kind) {
    case 'kill':
      return trap(story, action.at, (slot) => {
        pair.kill(slot, action.restartMs);
        return 'swallow';
      });
    case 'freeze':
      return trap(story, action.at, (slot) => {
        pair.freeze(slot);
        setTimeout(() => {
          pair.thaw(slot);
        }, action.ms);
        return 'pass';
      });
    case 'kill-both':
      pair.kill(0, action.restartMs);
      pair.kill(1, action.restartMs);
      return nothing;
    case 'clock-jump':
      jumpClock(story, action.who, action.ms);
      return nothing;
    case 'cut-backends':
      return () => services.cutBackends();
    case 'crash-postgres':
      return () => services.crashPostgres();
    case 'flush-redis':
      return () => flush(story);
    case 'restart-redis':
      return () => restartRedis(story, action.downMs);
    case 'zombie':
      return () => zombie(story);
    case 'late-commit':
      return () => lateCommit(story);
  }
}

export function jumpClock({ group, chainId }: ChainStory, who: 'leader' | 'standby', ms: number): void {
  const leader = group.lastCommitter.get(chainId) ?? 0;
  group.pair.jump(who === 'leader' ? leader : leader === 0 ? 1 : 0, ms);
  group.tally.add(ms > 0 ? 'clock:forward' : 'clock:back');
}

/** Stays laid while the story goes on: the process comes by when it comes by. */
function trap(story: ChainStory, at: FailpointName, spring: (slot: Slot) => Ruling): Settle {
  const { group, chainId } = story;
  const laid: Trap = { isSprung: false, disarm: () => undefined };
  const matches = (moment: Moment): boolean => moment.at === at && (moment.chainId === undefined || moment.chainId === chainId);
  laid.disarm = group.failpoints.arm(matches, ({ slot }) => {
    laid.isSprung = true;
    return spring(slot);
  });
  story.traps.push(laid);
  return nothing;
}

export interface Trap {
  isSprung: boolean;
  disarm: () => void;
}

/** Nothing may spring once the chain has come to rest. */
export async function liftTraps({ traps, group }: ChainStory): Promise<void> {
  await until(FIRE_MS, () => traps.every(({ isSprung }) => isSprung));
  for (const { isSprung, disarm } of traps) {
    disarm();
    if (!isSprung) group.tally.add('process:missed');
  }
}

async function flush({ group }: ChainStory): Promise<void> {
  // Down already, by another seed's hand: as good as flushed.
  await group.services.flushRedis().catch(() => undefined);
}

let redisIsDown = false;
async function restartRedis({ group }: ChainStory, downMs: number): Promise<void> {
  if (redisIsDown) return;
  redisIsDown = true;
  try {
    await group.services.redis.kill();
    await sleep(downMs);
    await group.services.redis.restart();
  } finally {
    redisIsDown = false;
  }
}

/** Two staged at once would freeze both processes, and nobody could take over. */
let staging: Promise<void> = Promise.resolve();
function staged(work: () => Promise<void>): Promise<void> {
  staging = staging.then(work, work);
  return staging;
}

interface Held {
  readonly release: () => void;
  readonly disarm: () => void;
  readonly isHeld: () => boolean;
}

/** The next commit of this process to this chain stops on the wire until it is let go. */
function holdCommit(story: ChainStory, slot: Slot, cut: boolean, then: () => void): Held {
  let release = (): void => undefined;
  let isHeld = false;
  const hold = new Promise<void>((resolve) => {
    release = resolve;
  });
  const disarm = story.group.failpoints.arm(
    (moment) => moment.at === 'commit' && moment.slot === slot && moment.chainId === story.chainId,
    () => {
      isHeld = true;
      then();
      return { hold, cut };
    },
  );
  return { release, disarm, isHeld: () => isHeld };
}

/**
 * The leader sleeps with a commit on its way. The other takes over and is shown nothing new, so the cursor stands where the commit wants
 * it: only the fence can refuse it.
 */
function zombie(story: ChainStory): Promise<void> {
  const { group, chain, twins, chainId } = story;
  return staged(async () => {
    const victim = group.lastCommitter.get(chainId);
    if (victim === undefined) return;
    const heir: Slot = victim === 0 ? 1 : 0;
    if (!group.pair.isUp(victim) || !group.pair.isUp(heir)) return;
    chain.limit(heir, twins.head.number);
    const held = holdCommit(story, victim, false, () => {
      group.pair.freeze(victim);
    });
    await story.mine(await story.oneTip());
    const isTaken =
      (await until(FIRE_MS, held.isHeld)) &&
      (await until(TAKEOVER_MS, async () => (await leaderOf(group.databaseUrl, chainId)) === roleOf(heir)));
    held.release();
    await sleep(80);
    group.pair.thaw(victim);
    held.disarm();
    await sleep(120);
    chain.unlimit();
    chain.announce(twins.active, twins.head);
    group.tally.add(isTaken ? 'staged:zombie' : 'staged:missed');
  });
}

/** The connection breaks with a commit on its way. The leader goes on, a reorg takes the chain back by one, and then the commit arrives. */
async function lateCommit(story: ChainStory): Promise<void> {
  const { group, twins, chain, chainId } = story;
  const leader = group.lastCommitter.get(chainId);
  // How far the cursor stays behind the head.
  const waiting = story.plan.traits.confirmations - 1;
  if (leader === undefined || twins.deepest < waiting + 3) return;
  const isAt = async (hash: string): Promise<boolean> => (await cursorOf(group.databaseUrl, chainId))?.hash === hash;
  const held = holdCommit(story, leader, true, () => undefined);
  await story.mine(await story.oneTip());
  const block = twins.below(twins.head, waiting);
  let isDelivered = false;
  if ((await until(FIRE_MS, held.isHeld)) && (await until(CURSOR_MS, () => isAt(block.hash)))) {
    // Two blocks go, one comes: the cursor then stands right below the height of the late block, on another branch.
    const others = Array.from({ length: waiting + 1 }, () => []);
    story.switchTo(await story.fork(waiting + 2, others), waiting + 2);
    isDelivered = await until(CURSOR_MS, () => isAt(twins.below(twins.head, waiting).hash));
  }
  held.release();
  held.disarm();
  await sleep(120);
  chain.announce(twins.active, twins.head);
  group.tally.add(isDelivered ? 'staged:late-commit' : 'staged:missed');
}

async function until(ms: number, check: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + ms;
  while (Date.now() < deadline) {
    if (await check()) return true;
    await sleep(POLL_MS);
  }
  return check();
}
