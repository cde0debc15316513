import { mkdir } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Dice } from '../../chaos/dice.js';
import { anomaliesIn } from '../checker/checker.js';
import type { Anomaly, History } from '../checker/history.js';
import { LOAD, scaled, type HousePlan } from '../house/house-plan.js';
import { EPOCH_SLOTS, ProofHouse } from '../house/proof-house.js';
import { monotonicMs } from '../journals/monotonic.js';
import { readJournals } from '../journals/journal.js';
import { Audience } from '../load/audience.js';
import { TipLoad } from '../load/tip-load.js';
import type { Scenario } from '../scenarios/scenario.js';
import { Stage, type Phase } from '../scenarios/stage.js';
import { truthOf } from '../truth/chain-truth.js';
import { readEvents, readQueues, readStreams, readTips, readTotals } from './books.js';
import { compareVitals, vitalsOf, type Vitals } from './vitals.js';

/** The chain's own coin, the only money here. */
const COIN = `0x${'0'.repeat(40)}`;
const WARM_UP_MS = 4000;
const BETWEEN_MS = 2000;
const LEAVING_MS = 3000;
/** A gateway takes who is silent for a minute for dead, and looks at its sockets now and then. */
const BURIAL_MS = 75_000;
const LOOKS = 10;

export interface HouseRun {
  readonly kind: HousePlan['kind'];
  readonly scale: number;
  readonly from: number;
  readonly to: number;
  readonly phases: readonly Phase[];
  readonly history: History;
  readonly anomalies: readonly Anomaly[];
  /** A scenario that could not be played to its end, or did nothing. */
  readonly failures: readonly string[];
  /** The longest time that the harness itself stood still, milliseconds: its proxies did, too. */
  readonly standstillMs: number;
  /** How often overlays opened a socket after their first. */
  readonly reconnects: number;
  /** What the house said, for whoever has to find out. */
  readonly output: string;
}

export interface Programme {
  /** Played one after the other; asked again and again until there is none. */
  readonly next: (stage: Stage) => Scenario | undefined;
  readonly say: (line: string) => void;
  /** How long anything may take that must come true. */
  readonly patienceMs: number;
}

/** One house, its scenarios, and the verdict over all that happened in it. */
export async function runHouse(plan: HousePlan, programme: Programme): Promise<HouseRun> {
  await mkdir(plan.folder, { recursive: true });
  const from = monotonicMs();
  const house = await ProofHouse.start(plan);
  try {
    return await inhabited(house, programme, from);
  } finally {
    await house.stop();
  }
}

async function inhabited(house: ProofHouse, programme: Programme, from: number): Promise<HouseRun> {
  const { plan, services, facts } = house;
  const dice = new Dice(plan.seed);
  const standstill = monitorEventLoopDelay();
  const vitals = vitalsOf(house);
  const audience = await Audience.gather(house);
  const load = new TipLoad(
    services.chain,
    facts.mint,
    audience.creators.map(({ wallet }) => wallet),
    dice.fork(1),
  );
  const stage = new Stage(house, audience, load, dice.fork(2), programme);
  const failures: string[] = [];
  try {
    await stage.until('all overlays are in', async () => (await audience.crowd.count()).open === audience.crowd.size);
    services.chain.begin(LOAD.blockMs);
    load.begin(scaled(LOAD.tipsPerSecond, plan.scale, 2));
    standstill.enable();
    await sleep(WARM_UP_MS);
    await playAll(stage, programme, failures);
    await load.pause();
    await quiet(stage).catch((error: unknown) => failures.push(`in the end: ${said(error)}`));
  } finally {
    services.chain.pause();
  }
  standstill.disable();
  const { links } = await audience.crowd.count();
  const books = await closeBooks(stage, vitals);
  const history: History = {
    truth: truthOf(services.chain.story),
    owners: new Map(audience.creators.map(({ id, wallet }) => [wallet.toLowerCase(), id])),
    listed: new Set([COIN]),
    overlays: audience.overlays,
    entries: readJournals(audience.journals),
    faults: stage.faults,
    ...books,
  };
  return {
    kind: plan.kind,
    scale: plan.scale,
    from,
    to: monotonicMs(),
    phases: stage.phases,
    history,
    anomalies: anomaliesIn(history),
    failures,
    standstillMs: standstill.max / 1e6,
    reconnects: links - audience.crowd.size,
    output: house.members.map((member) => `=== ${member.name}\n${member.output()}`).join('\n'),
  };
}

async function playAll(stage: Stage, { next }: Programme, failures: string[]): Promise<void> {
  for (let scenario = next(stage); scenario !== undefined; scenario = next(stage)) {
    const phase = stage.begin(scenario.number, scenario.says);
    try {
      await scenario.play(stage);
      await stage.chain.check();
    } catch (error) {
      failures.push(`scenario ${String(scenario.number)}: ${said(error)}`);
      stage.say(`  FAILED: ${said(error)}`);
    }
    await sleep(BETWEEN_MS);
    phase.to = monotonicMs();
  }
}

/** Everything is final, stored, told and shown. */
async function quiet(stage: Stage): Promise<void> {
  await stage.chain.mineMany(2 * EPOCH_SLOTS + 3);
  await stage.settled();
  await stage.until('all is final and published', async () => {
    const [row] = await stage.house.rows(
      `SELECT (SELECT count(*) FROM tips WHERE state IN ('seen', 'confirmed', 'safe', 'orphaned')) AS open, (SELECT count(*) FROM creator_streams WHERE published < head) AS behind`,
    );
    return Number(row?.['open']) === 0 && Number(row?.['behind']) === 0;
  });
  await stage.settled();
  await played(stage);
  // The last event may still be on its way into the document.
  await sleep(BETWEEN_MS);
}

/** Pages show one alert after the other: what they have been sent may wait for its turn. */
async function played(stage: Stage): Promise<void> {
  const { pages } = stage.audience;
  const heads = new Map((await readStreams(stage.house)).map(({ creatorId, head }) => [creatorId, head]));
  await stage.until('all pages have everything', () => stage.audience.hasPagesAt(heads));
  let since = monotonicMs();
  await stage.until('all pages have played what they were sent', async () => {
    const empty = await Promise.all(pages.map((page) => page.isEmpty()));
    if (empty.includes(false)) since = monotonicMs();
    return monotonicMs() - since > BETWEEN_MS;
  });
}

type Books = Pick<History, 'tips' | 'events' | 'streams' | 'totals' | 'goals' | 'vitals' | 'leftovers'>;

async function closeBooks({ house, audience }: Stage, vitals: Vitals): Promise<Books> {
  const totals = await readTotals(audience);
  const goals = [await audience.goal.row()];
  await audience.leave();
  for (const node of house.nodes) node.hangUpIdle();
  await sleep(LEAVING_MS);
  await buried(house);
  return {
    tips: await readTips(house),
    events: await readEvents(house),
    streams: await readStreams(house),
    totals,
    goals,
    vitals: await compareVitals(house, vitals),
    leftovers: await emptied(house),
  };
}

/** Nobody is there any more; of links that hang half-open the gateways learn by silence alone. What they keep after that is a leak. */
async function buried({ gateways }: ProofHouse): Promise<void> {
  const held = (): Promise<number[]> => Promise.all(gateways.map((gateway) => gateway.metric('droppio_gateway_sockets')));
  const until = monotonicMs() + BURIAL_MS;
  while ((await held()).some((sockets) => sockets > 0) && monotonicMs() < until) await sleep(BETWEEN_MS);
}

/** What is still in the queues when they had time enough; a sweep may always be at one just now. */
async function emptied({ gates }: ProofHouse): Promise<string[]> {
  let left: string[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    left = await readQueues(gates.redis.port);
    if (left.length === 0) break;
    await sleep(BETWEEN_MS / 2);
  }
  return left;
}

const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));
