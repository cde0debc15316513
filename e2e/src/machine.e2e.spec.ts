import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OverlayConnection, WebSocketTransport } from '@droppio/client';
import { gatewayFor } from '@droppio/protocol';
import { query } from '@droppio/storage/testing';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { chainSetting, HouseClient, startApp, startBrowser, startMachine, type Machine, type TestCreator } from './houses/index.js';
import { OtlpReceiver } from './observability/otlp-receiver.js';
import { OverlaySource } from './overlay-source.js';

const GWEI = 1_000_000_000n;
const [CREATORS, OVERLAYS, TIPS] = [3, 3, 50];
const Health = z.object({ instances: z.number() });

/** A client of ours, as it runs in the page; what it is given for the screen is noted. */
class Overlay {
  readonly shown: string[] = [];
  gaps = 0;
  links = 0;
  isOpen = false;
  readonly connection: OverlayConnection;

  constructor(creator: TestCreator, gatewayUrl: string) {
    const [, token = ''] = /token=([\w-]+)/.exec(creator.webSocketUrl) ?? [];
    this.connection = new OverlayConnection(
      { token, transport: new WebSocketTransport(gatewayFor(gatewayUrl, token), WebSocket) },
      {
        event: (frame) => {
          if (frame.type === 'tip') this.shown.push(frame.d.message);
        },
        ready: () => (this.links += 1),
        gap: () => (this.gaps += 1),
        state: ({ kind }) => (this.isOpen = kind === 'open'),
      },
    );
    this.connection.start();
  }
}

/** Index of the process that commits the chain's blocks; both or none: undefined. */
async function leaders(machine: Machine): Promise<readonly number[]> {
  const texts = await Promise.all(
    machine.processes.map(({ internalUrl }) =>
      fetch(`${internalUrl}/metrics`).then(
        (answer) => answer.text(),
        () => '',
      ),
    ),
  );
  return texts.flatMap((text, n) => (/^droppio_chain_state\{[^}]*what="leader"[^}]*\} 1$/m.test(text) ? [n] : []));
}

describe.each(['sticky', 'spread'] as const)('two standalones on one Postgres, without Redis, behind nginx (%s)', (balance) => {
  let machine: Machine;
  let client: HouseClient;
  const overlays: Overlay[] = [];
  let browser: Browser;
  let collector: OtlpReceiver;

  beforeAll(async () => {
    collector = await OtlpReceiver.start();
    const unlimited = {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url,
      GATEWAY_MAX_SOCKETS_PER_IP: '0',
      GATEWAY_MAX_UNAUTHENTICATED_PER_IP: '0',
      GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '0',
      DRAIN_DELAY_MS: '0',
      DRAIN_WINDOW_MS: '1000',
      DRAIN_GRACE_MS: '500',
    };
    const services = { postgresUrl: inject('postgresUrl'), anvilPath: inject('anvilPath'), nginxPath: inject('nginxPath') };
    [machine, browser] = await Promise.all([
      startMachine({ ...services, balance, processes: 2, settings: unlimited }),
      startBrowser(inject('chromiumPath')),
    ]);
    client = new HouseClient(machine);
  });
  afterEach(() => {
    for (const { connection } of overlays.splice(0)) connection.stop();
  });
  afterAll(async () => {
    await browser.close();
    await machine.stop();
    await collector.stop();
  });

  it(`show each of ${String(TIPS)} tips once on every overlay, though each of them is killed in turn and comes back`, async () => {
    await expect.poll(() => leaders(machine), { timeout: 20_000 }).toHaveLength(1);
    const creators: TestCreator[] = [];
    for (let n = 0; n < CREATORS; n += 1) creators.push(await client.creator());
    const watching = creators.map((creator) => Array.from({ length: OVERLAYS }, () => new Overlay(creator, machine.gatewayUrl)));
    overlays.push(...watching.flat());
    await expect.poll(() => overlays.every(({ isOpen }) => isOpen), { timeout: 20_000 }).toBe(true);

    const told = creators.map((): string[] => []);
    const killed: number[] = [];
    for (let n = 0; n < TIPS; n += 1) {
      // First the one that leads, so that the other has to take over; then that one.
      if (n === 10 || n === 30) {
        const [leader = 0] = await leaders(machine);
        killed.push(leader);
        await machine.processes[leader]?.child.stop('SIGKILL');
      }
      if (n === 20 || n === 40) {
        await machine.restart(killed.at(-1) ?? 0);
        await expect.poll(() => leaders(machine), { timeout: 20_000 }).toHaveLength(1);
      }
      const which = n % CREATORS;
      const [creator, messages] = [creators[which], told[which]];
      if (creator === undefined || messages === undefined) throw new Error('nobody to tip');
      messages.push(`tip ${String(n)}`);
      await client.tip(creator, GWEI, `tip ${String(n)}`);
    }
    for (const [which, each] of watching.entries()) {
      for (const overlay of each) await expect.poll(() => overlay.shown, { timeout: 30_000 }).toEqual(told[which]);
    }
    expect(overlays.filter(({ gaps }) => gaps > 0)).toEqual([]);
    expect(new Set(killed).size).toBe(2);
    // Both processes were at work for overlays: all of them have lost a link, or none would have been in the way of a kill.
    expect(overlays.reduce((sum, { links }) => sum + links, 0)).toBeGreaterThan(overlays.length);
    const taken = await query(machine.databaseUrl, 'SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database()');
    expect(z.tuple([z.object({ n: z.number() })]).parse(taken)[0].n).toBeLessThanOrEqual(2 * (10 + 5 + 3) + 1);
    // Counted over both processes, and told by whichever is asked.
    const [creator] = creators;
    const health = async (): Promise<unknown> =>
      Health.parse(await client.call('GET', `/v1/overlays/${creator?.overlayId ?? ''}/health`, creator?.accessToken ?? '')).instances;
    for (let asked = 0; asked < 2; asked += 1) await expect.poll(health, { timeout: 45_000, interval: 500 }).toBe(OVERLAYS);
  });

  it('serve the page, which tells nginx whose it is, and show a tip there', async () => {
    const creator = await client.creator();
    const source = await OverlaySource.open(browser, creator.pageUrl);
    const txHash = await client.tip(creator, GWEI, 'behind nginx');
    await source.alert('behind nginx');
    expect(source.shown).toHaveLength(1);
    // Its way can be followed from the block to the screen, through tables instead of Redis.
    const spans = (): readonly string[] => {
      const id = collector.spans.find(({ attributes }) => attributes['droppio.tx_hash'] === txHash)?.traceId;
      return [...new Set(collector.spans.filter(({ traceId }) => traceId === id).map(({ name }) => name))].sort();
    };
    await expect.poll(spans, { timeout: 15_000 }).toEqual(['tip.block', 'tip.commit', 'tip.fanout', 'tip.publish', 'tip.shown']);
    await source.close();
    expect(machine.edge.log() + machine.edge.errors() + machine.output()).not.toContain('dro_ov_');
  });

  it('let no third in that would not hear them, and say why', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'droppio-third-'));
    const settings = {
      PORT: '0',
      INTERNAL_PORT: '0',
      DATA_DIR: folder,
      DATABASE_URL: machine.databaseUrl,
      CHAINS: chainSetting(machine.chain),
    };
    const third = startApp('standalone', { ...settings, BROKER: 'memory' });
    await expect(third).rejects.toThrow(/Another standalone uses this database, and this one would not hear of its tips/);
    await expect(startApp('standalone', settings)).rejects.toThrow(/signs overlay URLs with other keys/);
    await rm(folder, { recursive: true });
  });
});
