import { setTimeout as sleep } from 'node:timers/promises';
import { BenchChain } from './bench-chain.js';
import type { Sizes } from './bench-plan.js';
import { backfillCommand, cpuSeconds, listener, type Contender } from './contender.js';
import { ratioOfMedians, type Figure } from './figures.js';
import type { Ground } from './ground.js';
import { HeadEar } from './head-ear.js';
import { PEER_MODES, ponder } from './ponder-peer.js';

/** A dev chain calls this many blocks below its head final. */
export const FINAL_DEPTH = 64;
const CREATORS = 20;
const HISTORY_MS = 60_000;
const ROW_MS = 20_000;
const WARM_UP = 5;
/** Afterwards no further round is begun. */
const BUDGET_MS = 150_000;

interface History {
  /** Seconds from the start of the process, and from its being up, to the last row. */
  readonly fromStart: number[];
  readonly fromReady: number[];
  readonly cpu: number[];
}

/** Milliseconds from a block's header (as a stranger's socket hears it) to its row in Postgres, by contender. */
type Live = Map<string, number[]>;

interface Course {
  readonly chain: BenchChain;
  readonly ear: HeadEar;
  readonly tips: number;
  readonly liveBlocks: number;
}

/**
 * Ours and the peer's in turn: first the history (our backfill command, its start from the first block), then single tips as they are mined.
 * Each on the same chain, with an empty database on the same server; nobody runs while another one does.
 */
export async function peerRace(ground: Ground, sizes: Sizes, say: (line: string) => void): Promise<readonly Figure[]> {
  const { historyBlocks, tipsPerBlock, peerRounds, liveBlocks } = sizes;
  const chain = await BenchChain.start(ground.programs.anvilPath, CREATORS);
  const ear = await HeadEar.open(chain.house.wsUrl);
  const course = { chain, ear, tips: historyBlocks * tipsPerBlock, liveBlocks };
  const ours: History = { fromStart: [], fromReady: [], cpu: [] };
  const theirs: History = { fromStart: [], fromReady: [], cpu: [] };
  const live: Live = new Map();
  try {
    await chain.mineHistory(historyBlocks, tipsPerBlock);
    await chain.mineEmpty(FINAL_DEPTH + 1);
    const until = performance.now() + BUDGET_MS;
    for (let round = 1; round <= peerRounds && performance.now() < until; round += 1) {
      say(`round ${String(round)} of ${String(peerRounds)}`);
      await past(backfillCommand(ground), ours, course);
      await past(ponder(ground, 'WebSocket', 'first'), theirs, course);
      for (const contender of [listener(ground), ...PEER_MODES.map((mode) => ponder(ground, mode, 'head'))]) {
        await chain.rewound(() => present(contender, live, course));
      }
    }
    return [...historyFigures(course.tips, ours, theirs), ...liveFigures(live)];
  } finally {
    ear.close();
    await chain.stop();
  }
}

async function past(contender: Contender, history: History, { chain, tips }: Course): Promise<void> {
  const running = await contender.start(chain);
  try {
    const lastRowAtMs = await running.rows.counted(tips, HISTORY_MS);
    history.cpu.push(cpuSeconds(running.pid));
    history.fromStart.push((lastRowAtMs - running.startedAtMs) / 1000);
    history.fromReady.push((lastRowAtMs - running.readyAtMs) / 1000);
  } finally {
    await running.stop();
  }
}

async function present(contender: Contender, live: Live, { chain, ear, liveBlocks }: Course): Promise<void> {
  const delays = live.get(contender.name) ?? [];
  live.set(contender.name, delays);
  const running = await contender.start(chain);
  ear.forget();
  try {
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
      const [heardAtMs, rowAtMs] = await Promise.all([ear.heard(block), running.rows.reached(block, ROW_MS)]);
      if (i >= 0) delays.push(rowAtMs - heardAtMs);
    }
  } finally {
    await running.stop();
  }
}

function historyFigures(tips: number, ours: History, theirs: History): readonly Figure[] {
  const of = (name: string, { fromStart, fromReady, cpu }: History): readonly Figure[] => [
    { name: `${name}: history of ${String(tips)} tips, process start → last row`, unit: 's', values: fromStart },
    { name: `${name}: history, up → last row`, unit: 's', values: fromReady },
    { name: `${name}: history, up → last row`, unit: 'tips/s', values: fromReady.map((seconds) => tips / seconds) },
    { name: `${name}: history, processor time of the process`, unit: 's', values: cpu },
  ];
  const ratio = (what: keyof History, name: string): Figure => ({
    name: `ratio of medians, ${name}: ponder ÷ droppio`,
    unit: '×',
    values: [ratioOfMedians(theirs[what], ours[what])],
  });
  return [
    ...of('droppio', ours),
    ...of('ponder', theirs),
    ratio('fromStart', 'history from process start'),
    ratio('fromReady', 'history from being up'),
    ratio('cpu', 'processor time for the history'),
  ];
}

function liveFigures(live: Live): readonly Figure[] {
  const [ours, ...peers] = live;
  if (ours === undefined) return [];
  const rows = [...live].map(([name, values]): Figure => ({ name: `${name}: header → row in Postgres`, unit: 'ms', values }));
  const ratios = peers.map(([name, values]): Figure => ({
    name: `ratio of medians, header → row: ${name} ÷ droppio`,
    unit: '×',
    values: [ratioOfMedians(values, ours[1])],
  }));
  return [...rows, ...ratios];
}
