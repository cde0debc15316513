import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryBrokerModule } from '@droppio/broker';
import { gatewayLadder, type Ladder } from '@droppio/client';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { anOverlay } from './transport.contract.js';
import { GatewayHouse } from './testing/gateway-house.js';
import { NarrowNetwork, type Kind } from './testing/narrow-network.js';

const SOON = { timeout: 20_000, interval: 20 };
let house: GatewayHouse;
let network: NarrowNetwork;
let page: ReturnType<typeof anOverlay> | undefined;

afterEach(async () => {
  page?.connection.stop();
  await network.stop();
  await house.stop();
});

async function open(...blocked: Kind[]) {
  house = await GatewayHouse.start({ broker: MemoryBrokerModule });
  network = await NarrowNetwork.start(house.port);
  network.block(...blocked);
  const { truth, token } = await house.creator();
  const ladder: Ladder = gatewayLadder(network.url, { webSocket: WebSocket, climbAfterMs: 600 });
  page = anOverlay(ladder, token);
  return { truth, ladder, page };
}

const upTo = (last: number): number[] => Array.from({ length: last - 1 }, (_, i) => i + 2);

describe('an overlay in a network', () => {
  it('that breaks WebSockets comes by an event stream, and climbs back when they get through', async () => {
    const { truth, ladder, page } = await open('websocket');
    await expect.poll(page.state, SOON).toBe('open');
    expect(ladder.name).toBe('sse');
    const tried = network.tries.websocket;
    const flood = { isOn: true };
    const pouring = (async () => {
      while (flood.isOn) {
        await truth.send();
        await sleep(10);
      }
    })();
    // At least one climb fails before one succeeds.
    await expect.poll(() => network.tries.websocket, SOON).toBeGreaterThan(tried);
    network.unblock('websocket');
    await expect.poll(() => ladder.name, SOON).toBe('websocket');
    await sleep(300);
    flood.isOn = false;
    await pouring;
    await expect.poll(() => page.seqs().at(-1), SOON).toBe(truth.head);
    expect(page.seqs()).toEqual(upTo(truth.head));
    expect([page.gaps, page.states.map(({ kind }) => kind)]).toEqual([[], ['connecting', 'open']]);
  }, 60_000);

  it('that holds back all but short answers comes by long-poll, with the same events', async () => {
    const { truth, ladder, page } = await open('websocket', 'sse');
    await truth.send();
    await expect.poll(page.state, SOON).toBe('open');
    expect(ladder.name).toBe('poll');
    const from = truth.head;
    for (let i = 0; i < 30; i += 1) {
      await truth.send();
      await sleep(40);
    }
    await expect.poll(() => page.seqs().at(-1), SOON).toBe(truth.head);
    expect(page.seqs()).toEqual(upTo(truth.head).filter((seq) => seq > from));
    expect(page.gaps).toEqual([]);
  }, 60_000);

  it('that cuts a WebSocket in the middle of it resumes on the next way, and misses nothing', async () => {
    const { truth, ladder, page } = await open();
    await expect.poll(page.state, SOON).toBe('open');
    expect(ladder.name).toBe('websocket');
    await truth.send();
    await expect.poll(() => page.seqs(), SOON).toEqual([2]);
    network.block('websocket');
    expect(network.cut('websocket')).toBe(1);
    for (let i = 0; i < 20; i += 1) await truth.send();
    await expect.poll(() => page.seqs().at(-1), SOON).toBe(truth.head);
    expect(ladder.name).toBe('sse');
    expect(page.seqs()).toEqual(upTo(truth.head));
    expect(page.gaps).toEqual([]);
  }, 60_000);
});
