import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { findPrograms, startRedis } from '@droppio/e2e/houses';
import { droppio } from './fanout/droppio-server.js';
import { limitsOf } from './fanout/limits.js';
import { bun, installPeers, socketIo, wsLoop } from './fanout/peers.js';
import { settingTable, type Series } from './fanout/report.js';
import { playRound, type Outcome, type Setting } from './fanout/round.js';
import type { FanServer } from './fanout/server.js';
import { nats, nchan } from './fanout/system-peers.js';
import { machine } from './machine.js';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    out: { type: 'string' },
  },
});
const RATE = 20_000;
const PLAN: readonly Setting[] = values.quick
  ? [
      { sockets: 1000, rooms: 1, rate: RATE, seconds: 2 },
      { sockets: 1000, rooms: 100, rate: RATE, seconds: 2 },
    ]
  : [
      { sockets: 1000, rooms: 1, rate: RATE, seconds: 4 },
      { sockets: 5000, rooms: 1, rate: RATE, seconds: 5 },
      { sockets: 15_000, rooms: 1, rate: RATE, seconds: 6 },
      { sockets: 5000, rooms: 1000, rate: 10_000, seconds: 4 },
      { sockets: 15_000, rooms: 1000, rate: RATE, seconds: 5 },
    ];
const rounds = values.quick ? 1 : Number(values.rounds);

const lines: string[] = [];
const say = (text: string): void => {
  console.log(text);
  lines.push(text);
};

installPeers(console.error);
const programs = findPrograms();
const redisVersion = /v=(\S+)/.exec(execFileSync(programs.redisServerPath, ['--version'], { encoding: 'utf8' }))?.[1] ?? '?';
const redis = await startRedis(programs.redisServerPath);
try {
  const all = [droppio(redis.url), wsLoop(redis.url), socketIo(redis.url), bun(redis.url), nchan(), nats()];
  const isWanted = (name: string): boolean => values.only === undefined || values.only.split(',').includes(name);
  const servers = all.flatMap((server) => ('start' in server && isWanted(server.name) ? [server] : []));
  say(machine({ Redis: redisVersion }));
  say(servers.map(({ name, what }) => `${name}: ${what}`).join('\n'));
  for (const server of all) if ('why' in server) say(`SKIPPED ${server.name}: it ${server.why}`);
  for (const setting of PLAN) say(`\n${settingTable(setting, await interleaved(servers, setting))}`);
  if (servers.some(({ name }) => name === 'droppio')) say(`\n${await limitsOf(droppio(redis.url), values.quick)}`);
  if (values.out !== undefined) {
    await mkdir(dirname(values.out), { recursive: true });
    await writeFile(
      values.out,
      `# Fan-out, side by side\n\nWritten by \`npm run bench:fanout -- --out ${values.out}\`.\n\n${lines.join('\n')}\n`,
    );
  }
} finally {
  await redis.stop();
}

/** Every server in every round, each time in another order: what the machine does meanwhile strikes all alike. */
async function interleaved(servers: readonly FanServer[], setting: Setting): Promise<readonly Series[]> {
  const outcomes = new Map(servers.map(({ name }) => [name, [] as Outcome[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < servers.length; turn += 1) {
      const server = servers[(turn + round) % servers.length];
      if (server === undefined) continue;
      outcomes.get(server.name)?.push(await playRound(server, setting));
      console.error(`  ${String(setting.sockets)} in ${String(setting.rooms)}, round ${String(round + 1)}: ${server.name}`);
    }
  }
  return [...outcomes].map(([name, list]) => ({ name, outcomes: list }));
}
