import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFeed } from '@droppio/e2e/houses';
import { OverlayTokens, parseTokenKeys } from '@droppio/protocol/overlay-token';
import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import { stamp } from '../fanout/crowd-orders.js';
import { aTip } from '../fanout/droppio-server.js';
import type { ApiHouse } from './api-house.js';
import type { Heard } from './load-orders.js';
import { LoadProcess } from './load-process.js';

/** Time to ask for the first time, and again after each event. */
const SEATED_MS = 3000;
const SETTLE_MS = 1000;
/** How much later than the last event the last of the clients may hear of it. */
const PATIENCE_MS = 20_000;

/** Overlays of one creator that poll; from an event entering the feed to each of them having it, in milliseconds. */
export async function pollLatencies(
  house: ApiHouse,
  redisUrl: string,
  { clients, events }: { readonly clients: number; readonly events: number },
): Promise<readonly Heard[]> {
  const { feed, context } = await openFeed(redisUrl);
  const crowd = LoadProcess.start();
  try {
    const [creatorId, overlayId, epoch] = [randomUUID(), randomUUID(), randomUUID().slice(0, 8)];
    const grant = { overlayId, version: 1, enabled: true, config: DEFAULT_OVERLAY_CONFIG };
    await feed.restore(creatorId, { position: { epoch, seq: 0 }, events: [], grants: [grant] });
    const token = new OverlayTokens(parseTokenKeys(house.overlayKeys)).sign({ overlayId, creatorId, version: 1 });
    await crowd.wait({ port: house.gateway.port, clients, path: `/overlay/poll?token=${token}`, place: `epoch=${epoch}&seq=0` });
    await sleep(SEATED_MS);
    for (let seq = 1; seq <= events; seq += 1) {
      await feed.append(creatorId, epoch, aTip(seq, stamp()));
      await sleep(SETTLE_MS);
    }
    for (const until = performance.now() + PATIENCE_MS; ;) {
      const heard = await crowd.report();
      if (heard.length === clients * events) return heard;
      if (performance.now() > until)
        throw new Error(`${String(clients)} polls were to hear of ${String(events)} events each, and heard ${String(heard.length)} times`);
      await sleep(SETTLE_MS);
    }
  } finally {
    await crowd.stop();
    await context.close();
  }
}
