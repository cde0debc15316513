import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { FeedMill } from '../scenarios/feed-mill.js';
import { readScenarios } from '../scenarios/scenario.js';

/*
 * For k6 and Artillery against a fleet that runs somewhere: makes a scenario's rooms in the fleet's Redis as the relay would, writes their tokens
 * for the scripts, and tells tips at the scenario's rate until it is ended. For a fleet made for tests: Postgres knows nothing of these creators.
 */
const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: 'events-100' },
    redis: { type: 'string', default: 'redis://127.0.0.1:6379' },
    'token-keys-file': { type: 'string' },
    out: { type: 'string', default: 'load/rooms.json' },
  },
});
const scenario = readScenarios('as-written').find(({ name }) => name === values.scenario);
if (scenario === undefined || values['token-keys-file'] === undefined) {
  console.error(
    'Say --token-keys-file with the file that holds the gateways’ OVERLAY_TOKEN_KEYS, --redis with their REDIS_URL, and --scenario with a name of load/scenarios.json.',
  );
  process.exit(2);
}
const keys = (await readFile(values['token-keys-file'], 'utf8')).trim();
const mill = await FeedMill.open(values.redis, scenario.rooms, keys);
const life = new AbortController();
process.once('SIGINT', () => {
  life.abort();
});
try {
  // Without a position to begin at: whoever comes minutes later would ask for what is gone.
  await writeFile(values.out, JSON.stringify(mill.rooms.map(({ token }) => ({ token }))));
  console.error(`${String(scenario.rooms)} rooms are in ${values.out}; ${String(scenario.tipsPerSecond)} tips a second until Ctrl-C`);
  // Rooms expire when nothing happens in them, so they are told something even in a scenario without tips.
  const perSecond = scenario.tipsPerSecond === 0 ? 1 : scenario.tipsPerSecond;
  // One constant rate to the end: whoever watches from outside reckons by it how many tips each overlay must have heard of.
  await mill.grind(perSecond, Infinity, life.signal);
} finally {
  await mill.close();
}
