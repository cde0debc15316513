import { setTimeout as sleep } from 'node:timers/promises';
import { slope } from '@droppio/e2e/autoscaling';
import { LiveHeap } from './live-heap.js';
import type { Extra } from './plays.js';
import type { Stage } from './stage.js';

/** A slope over less says nothing: V8 takes minutes to find its size. */
export const JUDGED_SECONDS = 600;
const LOOK_MS = 60_000;
/** The first minutes hold what starting up takes. */
const STARTING_UP = 2;
const MIB = 2 ** 20;

/** They come and go for as long as they are asked to. */
export async function soak(stage: Stage): Promise<Extra> {
  const { tipsPerSecond, holdSeconds, overlays } = stage.scenario;
  const heaps = stage.fleet.members.map((gateway) => LiveHeap.of(gateway));
  await stage.arrive();
  const filesBefore = await stage.fleet.total('process_open_fds');
  const life = new AbortController();
  stage.timeline.mark('they begin to come and go');
  await stage.crowds.churn(overlays / 50);
  const looking = looks(heaps, life.signal);
  looking.catch(() => undefined);
  try {
    await stage.mill.grind(tipsPerSecond, holdSeconds);
  } finally {
    life.abort();
  }
  const heap = await looking;
  await stage.crowds.churn(0);
  await stage.settle();
  const openFilesGrowth = (await stage.fleet.total('process_open_fds')) - filesBefore;
  if (holdSeconds < JUDGED_SECONDS) return { openFilesGrowth };
  return { openFilesGrowth, heapMiBPerHour: (slope(heap.slice(STARTING_UP)) * 3600) / MIB };
}

interface Look {
  /** Seconds. */
  readonly at: number;
  readonly value: number;
}

/** All gateways together, once a minute. */
async function looks(heaps: readonly LiveHeap[], signal: AbortSignal): Promise<Look[]> {
  const all: Look[] = [];
  for (;;) {
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return all;
    const bytes = await Promise.all(heaps.map((heap) => heap.bytes()));
    all.push({ at: performance.now() / 1000, value: bytes.reduce((sum, one) => sum + one, 0) });
  }
}
