import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import {
  chainSetting,
  HouseClient,
  newDatabase,
  startApp,
  startTrio,
  startWebEdge,
  type AppProcess,
  type House,
  type TestCreator,
} from '../houses/index.js';
import { dashboardQueries } from './dashboard-files.js';
import { isAlert, ruleGroups } from './files.js';
import { BUILT_IN, exposedSeries, FOREIGN, recordedSeries } from './known-series.js';
import { OtlpReceiver, type ReceivedSpan } from './otlp-receiver.js';
import { seriesIn } from './promql.js';
import { readRunbooks } from './runbooks.js';

const PRODUCER = 4;
const CONSUMER = 5;
const MESSAGE = 'a message that no trace may hold';
const Frame = z.looseObject({ op: z.string() });
const Frames = z.union([z.array(Frame), Frame.transform((frame) => [frame])]);

/** Opens a socket, and says of the first alert that it is on the screen. */
async function openOverlay({ webSocketUrl }: TestCreator): Promise<{ readonly seen: Promise<string>; close: () => void }> {
  const socket = new WebSocket(webSocketUrl);
  const first = (op: string, type?: string): Promise<z.output<typeof Frames>[number]> =>
    new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.on('message', (data: Buffer) => {
        for (const frame of Frames.parse(JSON.parse(data.toString('utf8')))) if (frame.op === op && frame['type'] === type) resolve(frame);
      });
    });
  const seen = first('event', 'tip').then((frame) => {
    socket.send(JSON.stringify({ op: 'shown', seq: frame['seq'], ms: 5 }));
    return JSON.stringify(frame);
  });
  await first('ready');
  return {
    seen,
    close: () => {
      socket.close();
    },
  };
}

describe('a house that is watched', () => {
  let receiver: OtlpReceiver;
  let house: House;
  let machine: AppProcess;
  let dataDir: string;
  let creator: TestCreator;
  let txHash: string;
  let frames: string[];
  let trace: readonly ReceivedSpan[];
  const metrics = new Map<string, string>();
  let webMetrics: string;
  let standalone: string;

  beforeAll(async () => {
    receiver = await OtlpReceiver.start();
    const settings = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.url, LOG_LEVEL: 'debug', BUILD_REVISION: 'abc123' };
    house = await startTrio({
      anvilPath: inject('anvilPath'),
      redisUrl: inject('redisUrl'),
      postgresUrl: inject('postgresUrl'),
      gateways: 2,
      settings,
    });
    // Of the other kind, without Redis: what its rules ask for nobody else has.
    dataDir = await mkdtemp(join(tmpdir(), 'droppio-watched-'));
    const onPostgres = startApp('standalone', {
      ...{ DATA_DIR: dataDir, PORT: '0', INTERNAL_PORT: '0', LOG_LEVEL: 'log', BUILD_REVISION: 'abc123', BROKER: 'postgres' },
      ...{ DATABASE_URL: await newDatabase(inject('postgresUrl')), CHAINS: chainSetting(house.chain) },
    });
    // One that does not start is told of where it is waited for.
    onPostgres.catch(() => undefined);
    const client = new HouseClient(house);
    creator = await client.creator();
    // One after the other: the balancer takes turns, so each gateway has some.
    const overlays = [];
    for (let i = 0; i < 4; i += 1) overlays.push(await openOverlay(creator));
    txHash = await client.tip(creator, 1_000_000_000_000_000n, MESSAGE);
    frames = await Promise.all(overlays.map(({ seen }) => seen));
    trace = await spansOf(receiver, 2);
    for (const [name, url] of Object.entries(house.internalUrls)) metrics.set(name, await (await fetch(`${url}/metrics`)).text());
    for (const overlay of overlays) overlay.close();
    const edge = await startWebEdge({ nginxPath: inject('nginxPath'), gateways: [9], api: [9] });
    webMetrics = await (await fetch(`http://127.0.0.1:${String(edge.internalPort)}/metrics`)).text();
    await edge.stop();
    machine = await onPostgres;
    standalone = await (await fetch(`${machine.internalUrl}/metrics`)).text();
  });

  afterAll(async () => {
    await machine.child.stop('SIGTERM', 60_000);
    await house.stop();
    await rm(dataDir, { recursive: true, force: true });
    await receiver.stop();
  });

  it('records one trace of a tip, from its block over every process to the screen', () => {
    expect(receiver.faults).toEqual([]);
    const [block] = named('tip.block');
    const [publish] = named('tip.publish');
    expect(trace.map(({ name }) => name).sort()).toEqual([
      ...['tip.block', 'tip.commit', 'tip.fanout', 'tip.fanout', 'tip.publish', 'tip.shown', 'tip.shown'],
    ]);
    expect(new Set(trace.map(({ traceId }) => traceId)).size).toBe(1);
    expect(block).toMatchObject({
      service: 'listener',
      attributes: { 'droppio.chain_id': house.chain.chainId, 'droppio.tx_hash': txHash },
    });
    expect(block?.attributes['droppio.block_number']).toBeGreaterThan(0);
    expect(block?.parentSpanId ?? '').toBe('');
    for (const name of ['tip.commit', 'tip.publish']) {
      for (const span of named(name)) expect(span).toMatchObject({ service: 'listener', parentSpanId: block?.spanId });
    }
    expect(publish?.kind).toBe(PRODUCER);
  });

  it('goes on in each gateway with one span, however many sockets it writes to', () => {
    const [publish] = named('tip.publish');
    const fanOuts = named('tip.fanout');
    expect(new Set(fanOuts.map(({ instance }) => instance)).size).toBe(2);
    for (const span of fanOuts) {
      expect(span).toMatchObject({
        service: 'gateway',
        kind: CONSUMER,
        parentSpanId: publish?.spanId,
        attributes: { 'droppio.sockets': 2 },
      });
      expect(span.links.map(({ spanId }) => spanId)).toEqual([publish?.spanId]);
      expect(span.endTimeUnixNano).toBeGreaterThanOrEqual(span.startTimeUnixNano);
    }
    expect(
      named('tip.shown')
        .map(({ parentSpanId }) => parentSpanId)
        .sort(),
    ).toEqual(fanOuts.map(({ spanId }) => spanId).sort());
  });

  it('tells the collector no token, no message and no wallet, and overlays nothing of the trace', () => {
    const token = new URL(creator.webSocketUrl).searchParams.get('token') ?? creator.webSocketUrl;
    for (const secret of [MESSAGE, token, creator.accessToken, creator.wallet, creator.wallet.slice(2)]) {
      for (const body of receiver.bodies) expect(body.toLowerCase()).not.toContain(secret.toLowerCase());
    }
    for (const frame of frames) expect(frame).not.toContain(trace[0]?.traceId);
  });

  it('prints one JSON object a line, with app, instance, version and the level', () => {
    const lines = house
      .output()
      .split('\n')
      .filter((line) => line !== '');
    const Line = z.looseObject({ service: z.string(), instance: z.string(), version: z.string(), level: z.string(), message: z.string() });
    const parsed = lines.map((line) => Line.parse(JSON.parse(line)));
    expect(new Set(parsed.map(({ service }) => service))).toEqual(new Set(['api', 'listener', 'gateway']));
    expect(new Set(parsed.map(({ instance }) => instance)).size).toBe(4);
  });

  it('has every series that a rule, a runbook or a dashboard asks for', () => {
    const known = new Set([...metrics.values(), webMetrics, standalone].flatMap(exposedSeries));
    const recorded = recordedSeries();
    const alerting = ruleGroups().flatMap(({ rules }) => rules.map(({ expr }) => expr));
    const unknown = (queries: readonly string[], others: ReadonlySet<string>): string[] => [
      ...new Set(
        queries.flatMap(seriesIn).filter((name) => !known.has(name) && !recorded.has(name) && !BUILT_IN.has(name) && !others.has(name)),
      ),
    ];
    // Alerts live on our own series alone.
    expect(unknown(alerting, new Set())).toEqual([]);
    expect(unknown([...readRunbooks().flatMap(({ queries }) => queries), ...dashboardQueries().map(({ expr }) => expr)], FOREIGN)).toEqual(
      [],
    );
    expect(unknown(['droppio_gateway_sokets'], FOREIGN)).toEqual(['droppio_gateway_sokets']);
  });

  it('tells in a standalone on Postgres all that alerts ask of the three apps, but what is about Redis', () => {
    const told = new Set(exposedSeries(standalone));
    const others = new Set([...recordedSeries(), ...BUILT_IN, ...exposedSeries(webMetrics)]);
    const asked = ruleGroups().flatMap(({ rules }) => rules.filter(isAlert).flatMap(({ expr }) => seriesIn(expr)));
    expect([...new Set(asked)].filter((name) => !told.has(name) && !others.has(name)).sort()).toEqual(
      ['clients', 'clients_limit', 'memory_bytes', 'memory_limit_bytes'].map((of) => `droppio_broker_redis_${of}`),
    );
    expect(standalone).toMatch(/^droppio_storage_feed_listening 1$/m);
    expect(standalone).toMatch(/^droppio_storage_feed_found_total \d+$/m);
  });

  it('names its metrics as Prometheus wants them', () => {
    for (const [app, text] of [...metrics, ['standalone', standalone] as const]) {
      const { stdout, stderr } = spawnSync(inject('promtoolPath'), ['check', 'metrics'], {
        input: text,
        encoding: 'utf8',
        timeout: 20_000,
      });
      const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line.startsWith('droppio_'));
      expect(complaints, app).toEqual([]);
      expect(text, app).toMatch(/^droppio_build_info\{service="\w+",version="0\.1\.0",revision="abc123"\} 1$/m);
    }
  });

  it('knows how full its stores are', () => {
    const api = metrics.get('api') ?? '';
    expect(Number(/^droppio_storage_pool_limit (\d+)$/m.exec(api)?.[1])).toBeGreaterThan(0);
    expect(api).toMatch(/^droppio_storage_pool_connections\{state="idle"\} [1-9]/m);
    for (const [app, text] of metrics) {
      expect(Number(/^droppio_broker_redis_memory_bytes (\d+)$/m.exec(text)?.[1]), app).toBeGreaterThan(100_000);
      expect(Number(/^droppio_broker_redis_clients_limit (\d+)$/m.exec(text)?.[1]), app).toBeGreaterThan(10);
      expect(Number(/^droppio_platform_memory_ratio (\S+)$/m.exec(text)?.[1]), app).toBeGreaterThan(0);
    }
  });

  function named(name: string): ReceivedSpan[] {
    return trace.filter((span) => span.name === name);
  }
});

/** Spans come in batches, two seconds apart at most. */
async function spansOf(receiver: OtlpReceiver, screens: number): Promise<readonly ReceivedSpan[]> {
  const deadline = Date.now() + 15_000;
  const have = (name: string): number => receiver.spans.filter((span) => span.name === name).length;
  while (have('tip.shown') < screens || have('tip.publish') < 1 || have('tip.block') < 1) {
    if (Date.now() > deadline) throw new Error(`the spans did not come: ${JSON.stringify(receiver.spans.map(({ name }) => name))}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return [...receiver.spans];
}
