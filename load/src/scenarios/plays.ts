import { setTimeout as sleep } from 'node:timers/promises';
import type { AppProcess } from '@droppio/e2e/houses';
import type { FeedMill } from './feed-mill.js';
import type { FigureName } from './scenario.js';
import { until, type Stage } from './stage.js';

/** What a play measures beside what every run measures. */
export type Extra = Partial<Record<FigureName, number>>;

const percent = (part: number, whole: number): number => (whole === 0 ? Number.NaN : (part / whole) * 100);
const UP_MS = 60_000;
const END_MS = 120_000;

/** They come, and tips flow. */
export async function flow(stage: Stage): Promise<Extra> {
  const { tipsPerSecond, holdSeconds } = stage.scenario;
  await stage.arrive();
  if (tipsPerSecond === 0) await stage.hold();
  else {
    stage.timeline.mark('tips begin');
    await stage.mill.grind(tipsPerSecond, holdSeconds);
    await stage.settle();
  }
  return {};
}

/** The same with overlays that cost next to nothing, for rates at which real clients would be what is measured. */
export async function hot(stage: Stage): Promise<Extra> {
  const { tipsPerSecond, holdSeconds } = stage.scenario;
  await stage.arrive('light');
  stage.timeline.mark('tips begin');
  const before = stage.timeline.deliveries;
  await stage.mill.grind(tipsPerSecond, holdSeconds);
  await stage.settle();
  return { deliveriesPerSecond: (stage.timeline.deliveries - before) / holdSeconds };
}

/** The fleet is full; a fifth more knocks. */
export async function shed(stage: Stage): Promise<Extra> {
  const { holdSeconds, overlays } = stage.scenario;
  await stage.arrive();
  const tips = stage.tips();
  const surplus = overlays / 5;
  stage.timeline.mark(`${String(surplus)} more knock`);
  const [room] = stage.mill.rooms;
  const answers = await stage.crowds.knock(stage.ports, room?.token ?? '', surplus, surplus / (holdSeconds / 2));
  await tips;
  await stage.settle();
  return { refusedPercent: percent(answers.refused, surplus), retryAfterPercent: percent(answers.toldWhen, surplus) };
}

/** One gateway dies without a word. */
export async function storm(stage: Stage): Promise<Extra> {
  const { holdSeconds, overlays } = stage.scenario;
  await stage.arrive();
  const tips = stage.tips();
  await stage.hold(holdSeconds / 4);
  const [victim] = stage.fleet.members;
  if (victim === undefined) throw new Error('there is no gateway');
  stage.fleet.retire(victim);
  await stage.turn();
  const open = async (): Promise<number> => (await stage.crowds.audit(stage.mill.told)).open;
  stage.timeline.mark('a gateway is killed');
  const killedAt = performance.now();
  await victim.child.stop('SIGKILL');
  await until(UP_MS, async () => (await open()) < overlays);
  const areBack = await until(UP_MS, async () => (await open()) === overlays);
  const backSeconds = areBack ? (performance.now() - killedAt) / 1000 : Infinity;
  stage.timeline.mark('all are back');
  await tips;
  await stage.settle();
  return { backSeconds };
}

/** Every gateway gets a successor, then SIGTERM. */
export async function drain(stage: Stage): Promise<Extra> {
  await stage.arrive();
  const tips = stage.tips();
  let [stragglers, planned] = [0, 0];
  for (const old of [...stage.fleet.members]) {
    await stage.fleet.add();
    planned = Math.max(planned, plannedPace(await socketsOn(old)));
    stage.fleet.retire(old);
    await stage.turn();
    stage.timeline.mark('SIGTERM');
    const code = await old.child.stop('SIGTERM', END_MS);
    if (code !== 0) throw new Error(`a gateway ended with ${String(code)}:\n${old.child.output().slice(-2000)}`);
    stragglers += Number(/"drain\.finished".*?"stragglers":(\d+)/.exec(old.child.output())?.[1] ?? Number.NaN);
  }
  stage.timeline.mark('all are new');
  await tips;
  await stage.settle();
  const busiest = Math.max(...stage.timeline.seconds.map(({ reconnected }) => reconnected));
  return { stragglers, paceRatio: busiest / planned };
}

/** Moves a second that a drain asks for: all within five seconds, or at 500 a second. */
function plannedPace(sockets: number): number {
  return sockets / Math.max(5, sockets / 500);
}

async function socketsOn({ internalUrl }: AppProcess): Promise<number> {
  const text = await (await fetch(`${internalUrl}/metrics`)).text();
  return [...text.matchAll(/^droppio_gateway_sockets(?:\{.*?\})? (\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** The primary dies in the middle of it. */
export async function failover(stage: Stage, killPrimary: () => Promise<void>): Promise<Extra> {
  const { holdSeconds } = stage.scenario;
  await stage.arrive();
  const tips = stage.tips();
  await stage.hold(holdSeconds / 4);
  stage.timeline.mark('the primary is killed');
  await killPrimary();
  await tips;
  await stage.settle();
  return {};
}

/** Longer than any tip may be: the kernel takes megabytes before anything is left to the gateway. */
const BALLAST = 'x'.repeat(60_000);
const FLOOD_PER_SECOND = 40;

/** A twentieth stops reading, all of them of the first creator. */
export async function slow(stage: Stage, mill: FeedMill): Promise<Extra> {
  const { tipsPerSecond, holdSeconds, overlays, rooms } = stage.scenario;
  const deaf = overlays / 20;
  await stage.arriveAt(
    'client',
    Array.from({ length: overlays - deaf }, (_, n) => 1 + (n % (rooms - 1))),
  );
  await mill.grind(tipsPerSecond, holdSeconds / 2);
  await sleep(1000);
  const before = stage.timeline.latencies.percentile(99);
  stage.timeline.restart();
  await stage.arriveAt(
    'deaf',
    Array.from({ length: deaf }, () => 0),
  );
  const closed = (): Promise<number> => stage.fleet.total('droppio_gateway_slow_closes_total');
  const others = stage.tips(holdSeconds / 2);
  const floodedAt = performance.now();
  for (let n = 0; (await closed()) < deaf && performance.now() - floodedAt < UP_MS; n += FLOOD_PER_SECOND / 4) {
    const due = performance.timeOrigin + performance.now();
    await Promise.all(Array.from({ length: FLOOD_PER_SECOND / 4 }, () => mill.tip(0, due, BALLAST)));
    await sleep(250);
  }
  stage.timeline.mark('those that do not read are gone');
  await others;
  // Whoever stopped reading has no claim to what came after.
  mill.told[0] = 0;
  await stage.settle();
  return { slowClosedPercent: percent(await closed(), deaf), p99GrowthMs: stage.timeline.latencies.percentile(99) - before };
}
