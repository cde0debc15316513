import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFeed } from '@droppio/e2e/houses';
import { OverlayTokens, parseTokenKeys } from '@droppio/protocol/overlay-token';
import { DEFAULT_OVERLAY_CONFIG, type FeedPosition } from '@droppio/tips';
import * as z from 'zod';
import { stamp } from '../fanout/crowd-orders.js';
import { aTip } from '../fanout/droppio-server.js';
import { caller, type ApiHouse } from './api-house.js';
import type { Heard } from './load-orders.js';
import { LoadProcess } from './load-process.js';

/** Time to ask for the first time, and again after each event. */
const SEATED_MS = 3000;
const SETTLE_MS = 1000;
/** How much later than the last event the last of the clients may hear of it. */
const PATIENCE_MS = 20_000;
const Head = z.object({ next: z.templateLiteral([z.string(), '.', z.number()]) });

const Overlay = z.object({ id: z.string() });
const POLLS_OF_ONE = 4;

type Feed = Awaited<ReturnType<typeof openFeed>>['feed'];

/** Where overlays of one creator poll, and from where on. */
interface Door {
  readonly port: number;
  readonly path: string;
  readonly place: string;
  readonly authorizations: readonly string[];
  readonly creatorId: string;
  readonly from: FeedPosition;
}

export interface PollPlan {
  readonly clients: number;
  readonly events: number;
}

/** Overlays of one creator that poll at the gateway or at the API; from an event entering the feed to each of them having it. */
export async function pollLatencies(house: ApiHouse, redisUrl: string, at: 'gateway' | 'api', plan: PollPlan): Promise<readonly Heard[]> {
  const { feed, context } = await openFeed(redisUrl);
  const crowd = LoadProcess.start();
  try {
    const door = at === 'gateway' ? await gatewayDoor(house, feed) : await apiDoor(house, plan.clients);
    const { creatorId, from, ...asked } = door;
    await crowd.wait({ ...asked, authorizations: [...asked.authorizations], clients: plan.clients });
    await sleep(SEATED_MS);
    for (let n = 1; n <= plan.events; n += 1) {
      await feed.append(creatorId, from.epoch, aTip(from.seq + n, stamp()));
      await sleep(SETTLE_MS);
    }
    return await heardBy(crowd, plan);
  } finally {
    await crowd.stop();
    await context.close();
  }
}

async function heardBy(crowd: LoadProcess, { clients, events }: PollPlan): Promise<readonly Heard[]> {
  for (const until = performance.now() + PATIENCE_MS; ;) {
    const heard = await crowd.report();
    if (heard.length === clients * events) return heard;
    if (performance.now() > until)
      throw new Error(`${String(clients)} polls were to hear of ${String(events)} events each, and heard ${String(heard.length)} times`);
    await sleep(SETTLE_MS);
  }
}

async function gatewayDoor(house: ApiHouse, feed: Feed): Promise<Door> {
  const [creatorId, overlayId, epoch] = [randomUUID(), randomUUID(), randomUUID().slice(0, 8)];
  const grant = { overlayId, version: 1, enabled: true, config: DEFAULT_OVERLAY_CONFIG };
  const from = { epoch, seq: 0 };
  await feed.restore(creatorId, { position: from, events: [], grants: [grant] });
  const path = `/overlay/poll?token=${tokenOf(house, creatorId, overlayId)}`;
  return { port: house.gateway.port, path, place: `epoch=${epoch}&seq=0`, authorizations: [], creatorId, from };
}

/** Real overlays, since the API looks the row up with every poll, and several, since few may wait on one. */
async function apiDoor(house: ApiHouse, clients: number): Promise<Door> {
  const { id, overlayId, authorization } = await house.creator();
  const { port } = house.api;
  const call = caller(port);
  const overlayIds = [overlayId];
  while (overlayIds.length * POLLS_OF_ONE < clients)
    overlayIds.push(Overlay.parse(await call('POST', '/v1/overlays', authorization, { name: 'Alerts' })).id);
  const tokens = overlayIds.map((each) => tokenOf(house, id, each));
  const { next } = Head.parse(await call('GET', '/v1/overlay/events', tokens[0] ?? ''));
  const [epoch = '', seq] = next.split('.');
  const authorizations = tokens.map((token) => `Bearer ${token}`);
  const from = { epoch, seq: Number(seq) };
  return { port, path: '/v1/overlay/events?wait=25000', place: `after=${next}`, authorizations, creatorId: id, from };
}

function tokenOf({ overlayKeys }: ApiHouse, creatorId: string, overlayId: string): string {
  return new OverlayTokens(parseTokenKeys(overlayKeys)).sign({ overlayId, creatorId, version: 1 });
}
