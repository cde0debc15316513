import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from './audit.js';
import { DROP_AFTER } from './chain-setting.js';
import type { ChainStory } from './chain-story.js';
import type { Group } from './group.js';
import type { OverlaySink } from './overlay-sink.js';

const SETTLE_MS = 30_000;
const SINK_MS = 8000;
/** How long a chain may rest before it gets one more block. */
const REST_MS = 5000;

/** Waits until the ledger has come to every head and the overlays have what the ledger has; a chain that rests for too long gets a block. */
export async function settled(
  stories: readonly ChainStory[],
  sinks: readonly OverlaySink[],
  { databaseUrl: url, tally }: Group,
): Promise<string[]> {
  const deadline = Date.now() + SETTLE_MS;
  let nudgeAt = Date.now() + REST_MS;
  for (;;) {
    const late = await behind(stories, url);
    if (late.length === 0) break;
    if (Date.now() > deadline) return late.map(({ what }) => `not settled after ${String(SETTLE_MS)} ms: ${what}`);
    for (const { story, awaits } of late) if (awaits === 'blocks') await story?.nudge();
    if (Date.now() > nudgeAt) {
      const idle = late.flatMap(({ story, awaits }) => (awaits === 'listener' ? (story ?? []) : []));
      for (const story of idle) await story.nudge();
      tally.add('rest:needed a block', idle.length);
      nudgeAt = Date.now() + REST_MS;
    }
    await sleep(150);
  }
  const sinkDeadline = Date.now() + SINK_MS;
  const heads = new Map(
    (await sql(url, 'SELECT creator_id, head FROM creator_streams')).map((row) => [String(row['creator_id']), Number(row['head'])]),
  );
  while (sinks.some(({ creatorId, cursor }) => cursor < (heads.get(creatorId) ?? 0)) && Date.now() < sinkDeadline) {
    for (const sink of sinks) sink.catchUp();
    await sleep(100);
  }
  return [];
}

interface Late {
  readonly what: string;
  readonly story?: ChainStory;
  /** A promise told of with the last blocks is taken back some blocks later, so the chain has to grow. */
  readonly awaits: 'listener' | 'blocks' | 'relay';
}

const SEEN = `SELECT chain_id, max(block_number) AS number FROM tips WHERE state = 'seen' GROUP BY chain_id`;

const UNDECIDED = `SELECT count(*) AS n FROM tips WHERE screening IN ('waiting', 'held') AND state NOT IN ('orphaned', 'lost', 'dropped')`;

const CURSORS = `SELECT chain_id, number, '0x' || encode(hash, 'hex') AS hash, finalized_number FROM chain_cursors`;

async function behind(stories: readonly ChainStory[], url: string): Promise<Late[]> {
  const cursors = new Map((await sql(url, CURSORS)).map((row) => [Number(row['chain_id']), row]));
  const seen = new Map((await sql(url, SEEN)).map((row) => [Number(row['chain_id']), Number(row['number'])]));
  const late = stories.flatMap((story): Late[] => {
    const { chainId, twins, plan } = story;
    const cursor = cursors.get(chainId);
    const { head } = twins;
    // The newest blocks wait for others on top of them.
    const ripe = twins.below(head, plan.traits.confirmations - 1);
    const final = Math.max(0, head.number - 2 * plan.epochSlots);
    const at = `seed ${String(plan.seed)}: the cursor is at ${String(cursor?.['number'])} ${String(cursor?.['hash'])}`;
    if (cursor?.['hash'] !== ripe.hash)
      return [
        { what: `${at}, the head at ${String(head.number)} ${head.hash}, ripe up to ${String(ripe.number)}`, story, awaits: 'listener' },
      ];
    const known = Number(cursor['finalized_number']);
    if (known < final) return [{ what: `${at}, final up to ${String(known)} and not ${String(final)}`, story, awaits: 'listener' }];
    const promised = seen.get(chainId);
    if (promised === undefined) return [];
    const isDue = promised <= ripe.number - DROP_AFTER;
    return [{ what: `${at}, and a promise for ${String(promised)} stands`, story, awaits: isDue ? 'listener' : 'blocks' }];
  });
  const [outbox] = await sql(url, 'SELECT count(*) AS n FROM creator_streams WHERE published < head');
  const unpublished = Number(outbox?.['n']);
  if (unpublished > 0) late.push({ what: `${String(unpublished)} creators have unpublished events`, awaits: 'relay' });
  const [waiting] = await sql(url, UNDECIDED);
  const undecided = Number(waiting?.['n']);
  if (undecided > 0) late.push({ what: `${String(undecided)} tips are not judged, or held`, awaits: 'relay' });
  return late;
}
