import { setTimeout as sleep } from 'node:timers/promises';
import { BenchChain } from './bench-chain.js';
import type { Sizes } from './bench-plan.js';
import { cpuSeconds, droppio, type Contender } from './contender.js';
import { ratioOfMedians, type Figure } from './figures.js';
import type { Ground } from './ground.js';
import { HeadEar } from './head-ear.js';
import { ponder, type PeerMode } from './ponder-peer.js';

/** A dev chain calls this many blocks below its head final. */
export const FINAL_DEPTH = 64;
const CREATORS = 20;
const CATCH_UP_MS = 120_000;
const ROW_MS = 20_000;
const WARM_UP = 5;
/** Afterwards no further round is begun. */
const BUDGET_MS = 200_000;

export interface Race {
  /** Milliseconds from the start of the process, and from its being up, to the last row of the history. */
  readonly fromStartMs: number[];
  readonly fromReadyMs: number[];
  readonly cpuSeconds: number[];
  /** Milliseconds from a block's header (as a stranger's socket hears it) to its row in Postgres. */
  readonly liveMs: number[];
}

/** Ours and the peer's in turn, each on the same chain and with an empty database on the same server; nobody runs while another one does. */
export async function peerRace(ground: Ground, sizes: Sizes, say: (line: string) => void): Promise<readonly Figure[]> {
  const { historyBlocks, tipsPerBlock, peerRounds, liveBlocks } = sizes;
  const chain = await BenchChain.start(ground.programs.anvilPath, CREATORS);
  const ear = await HeadEar.open(chain.house.wsUrl);
  try {
    await chain.mineHistory(historyBlocks, tipsPerBlock);
    await chain.mineEmpty(FINAL_DEPTH + 1);
    const races = new Map<string, Race>();
    const until = performance.now() + BUDGET_MS;
    for (let round = 0; round < peerRounds && performance.now() < until; round += 1) {
      const mode: PeerMode = round % 2 === 0 ? 'WebSocket' : 'poll 100 ms';
      for (const contender of [droppio(ground), ponder(ground, mode)]) {
        const race = races.get(contender.name) ?? { fromStartMs: [], fromReadyMs: [], cpuSeconds: [], liveMs: [] };
        races.set(contender.name, race);
        await chain.rewound(() => run(contender, race, { chain, ear, tips: historyBlocks * tipsPerBlock, liveBlocks }));
        say(
          `${contender.name}, round ${String(round + 1)} of ${String(peerRounds)}: history after ${((race.fromStartMs.at(-1) ?? 0) / 1000).toFixed(1)} s`,
        );
      }
    }
    return figures(races, historyBlocks * tipsPerBlock);
  } finally {
    ear.close();
    await chain.stop();
  }
}

interface Course {
  readonly chain: BenchChain;
  readonly ear: HeadEar;
  readonly tips: number;
  readonly liveBlocks: number;
}

async function run(contender: Contender, race: Race, { chain, ear, tips, liveBlocks }: Course): Promise<void> {
  const running = await contender.start(chain);
  ear.forget();
  try {
    const { rows, startedAtMs, readyAtMs, pid } = running;
    const caughtUpAtMs = await rows.counted(tips, CATCH_UP_MS);
    race.cpuSeconds.push(cpuSeconds(pid));
    race.fromStartMs.push(caughtUpAtMs - startedAtMs);
    race.fromReadyMs.push(caughtUpAtMs - readyAtMs);
    await running.untilLive();
    // Its subscription is asked for at this moment.
    await sleep(500);
    let block = await chain.height();
    for (let i = -WARM_UP; i < liveBlocks; i += 1) {
      await chain.queue(1);
      // Not in step with anybody's timer.
      await sleep(50 + Math.random() * 100);
      block += 1;
      await chain.mine();
      const [heardAtMs, rowAtMs] = await Promise.all([ear.heard(block), rows.reached(block, ROW_MS)]);
      if (i >= 0) race.liveMs.push(rowAtMs - heardAtMs);
    }
  } finally {
    await running.stop();
  }
}

function figures(races: ReadonlyMap<string, Race>, tips: number): readonly Figure[] {
  const all = [...races].flatMap(([name, race]): Figure[] => [
    { name: `${name}: history, process start → last row`, unit: 's', values: race.fromStartMs.map((ms) => ms / 1000) },
    { name: `${name}: history, up → last row`, unit: 's', values: race.fromReadyMs.map((ms) => ms / 1000) },
    { name: `${name}: history, up → last row`, unit: 'tips/s', values: race.fromReadyMs.map((ms) => (tips * 1000) / ms) },
    { name: `${name}: processor time until then`, unit: 's', values: race.cpuSeconds },
    { name: `${name}: header → row in Postgres`, unit: 'ms', values: race.liveMs },
  ]);
  return [...all, ...ratios(races)];
}

function ratios(races: ReadonlyMap<string, Race>): readonly Figure[] {
  const [[, ours] = [undefined, undefined], ...peers] = races;
  if (ours === undefined) return [];
  const peersTogether = (of: (race: Race) => readonly number[]): readonly number[] => peers.flatMap(([, race]) => of(race));
  const ratio = (name: string, theirs: readonly number[], own: readonly number[]): Figure => ({
    name: `ratio of medians, ${name}`,
    unit: '×',
    values: [ratioOfMedians(theirs, own)],
  });
  // How a contender hears of new blocks makes no difference to how it reads old ones.
  return [
    ratio(
      'history from process start: ponder ÷ droppio',
      peersTogether((race) => race.fromStartMs),
      ours.fromStartMs,
    ),
    ratio(
      'history from being up: ponder ÷ droppio',
      peersTogether((race) => race.fromReadyMs),
      ours.fromReadyMs,
    ),
    ratio(
      'processor time for the history: ponder ÷ droppio',
      peersTogether((race) => race.cpuSeconds),
      ours.cpuSeconds,
    ),
    ...peers.map(([name, race]) => ratio(`header → row: ${name} ÷ droppio`, race.liveMs, ours.liveMs)),
  ];
}
