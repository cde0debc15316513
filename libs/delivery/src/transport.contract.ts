import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryBrokerModule } from '@droppio/broker';
import { OverlayConnection, type Closing, type ConnectionState, type Transport } from '@droppio/client';
import type { EventFrame, ServerFrame } from '@droppio/protocol';
import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import { afterEach, describe, expect, it } from 'vitest';
import { GatewayHouse, type SettingTexts } from './testing/gateway-house.js';
import { NarrowNetwork, type Kind } from './testing/narrow-network.js';

export type MakeTransport = (url: string) => Transport;

/** An overlay that keeps itself connected, and what it was given. */
export function anOverlay(transport: Transport, token: string, cursor?: { epoch: string; seq: number }) {
  const events: EventFrame[] = [];
  const gaps: unknown[] = [];
  const states: ConnectionState[] = [];
  const configs: unknown[] = [];
  const connection = new OverlayConnection(
    { transport, token, cursor, client: 'test' },
    {
      event: (frame) => events.push(frame),
      gap: (gap) => gaps.push(gap),
      ready: ({ config }) => configs.push(config),
      state: (state) => states.push(state),
    },
  );
  connection.start();
  const seqs = (): number[] => events.map(({ seq }) => seq);
  return { connection, events, seqs, gaps, states, configs, state: () => states.at(-1)?.kind };
}

/** Enough for a first answer, a back-off and another one on a busy machine. */
const SOON = { timeout: 15_000, interval: 20 };

/** What a page is owed by every way to the gateway, against a real one. */
export function describeTransport(kind: Kind, make: MakeTransport): void {
  describe(`an overlay by ${kind}`, () => {
    let house: GatewayHouse;
    let network: NarrowNetwork;
    const endings: (() => unknown)[] = [];
    const open = async (settings: SettingTexts = {}): Promise<void> => {
      house = await GatewayHouse.start({ broker: MemoryBrokerModule, settings });
      network = await NarrowNetwork.start(house.port);
    };
    afterEach(async () => {
      for (const end of endings.splice(0)) end();
      await network.stop();
      await house.stop();
    });
    const overlay = (token: string, cursor?: { epoch: string; seq: number }): ReturnType<typeof anOverlay> => {
      const found = anOverlay(make(network.url), token, cursor);
      endings.push(() => {
        found.connection.stop();
      });
      return found;
    };
    /** One link by itself. */
    const link = (token: string, url = network.url) => {
      const frames: ServerFrame[] = [];
      const closings: Closing[] = [];
      const listener = { frame: (frame: ServerFrame) => frames.push(frame), closed: (closing: Closing) => closings.push(closing) };
      const opened = make(url).open(() => ({ op: 'auth', token }), listener);
      endings.push(() => {
        opened.close(1000, 'test over');
      });
      return { frames, closings, opened };
    };

    it('is greeted, gets the config, and then each event once and in order', async () => {
      await open();
      const { truth, token } = await house.creator();
      const page = overlay(token);
      await expect.poll(page.state, SOON).toBe('open');
      expect(page.configs[0]).toEqual(DEFAULT_OVERLAY_CONFIG);
      for (let i = 0; i < 20; i += 1) {
        await truth.send();
        await sleep(10);
      }
      await expect.poll(() => page.seqs().length, SOON).toBe(20);
      expect(page.seqs()).toEqual(Array.from({ length: 20 }, (_, i) => i + 2));
      expect(page.gaps).toEqual([]);
      expect(network.tries[kind]).toBeGreaterThan(0);
    });

    it('resumes where it was when the line is cut in the middle of a flood', async () => {
      await open();
      const { truth, token } = await house.creator();
      const page = overlay(token);
      await expect.poll(page.state, SOON).toBe('open');
      let cuts = 0;
      for (let i = 0; i < 60; i += 1) {
        await truth.send();
        if (i % 20 === 10) cuts += network.cut(kind);
        await sleep(15);
      }
      // Between two polls there may be nothing to cut.
      const more = async (): Promise<void> => {
        cuts += network.cut(kind);
        await sleep(50);
      };
      while (cuts === 0) await more();
      await expect.poll(() => page.seqs().at(-1), SOON).toBe(truth.head);
      expect(page.seqs()).toEqual(Array.from({ length: truth.head - 1 }, (_, i) => i + 2));
      expect(page.gaps).toEqual([]);
    });

    it('is told of a loss that nobody can mend', async () => {
      await open();
      const { truth, token } = await house.creator();
      for (let i = 0; i < 700; i += 1) truth.commit(truth.tip());
      await truth.drain();
      const page = overlay(token, { epoch: truth.epoch, seq: 2 });
      await expect.poll(() => page.seqs().at(-1), SOON).toBe(701);
      expect(page.gaps[0]).toMatchObject({ kind: 'lost', from: 3 });
      const [first = 0] = page.seqs();
      expect(page.seqs()).toEqual(Array.from({ length: 701 - first + 1 }, (_, i) => first + i));
    });

    it('learns of a new look while it is connected', async () => {
      await open();
      const { truth, grant, token } = await house.creator();
      const page = overlay(token);
      await expect.poll(page.state, SOON).toBe('open');
      const d = { ...grant, config: { schemaVersion: 1, durationMs: 4321 } as const };
      await truth.send({ type: 'config', id: grant.overlayId, at: { seen: Date.now() }, ttlMs: 1000, d });
      const looks = () => [...page.configs, ...page.events.flatMap((frame) => (frame.type === 'config' ? [frame.d.config] : []))];
      await expect.poll(() => looks().at(-1), SOON).toMatchObject({ durationMs: 4321 });
    });

    it('stops when its token is revoked, and does not come back', async () => {
      await open();
      const { truth, grant, token } = await house.creator();
      const page = overlay(token);
      await expect.poll(page.state, SOON).toBe('open');
      await truth.send({ type: 'config', id: grant.overlayId, at: { seen: 0 }, ttlMs: 1000, d: { ...grant, version: 2 } });
      await expect.poll(() => page.states.at(-1), SOON).toEqual({ kind: 'stopped', code: 4500, why: 'token revoked' });
      const tries = network.tries[kind];
      await sleep(1500);
      expect(network.tries[kind]).toBe(tries);
    });

    it('hears how long it is to stay away', async () => {
      await open({ GATEWAY_MAX_SOCKETS_PER_IP: '1' });
      const { token } = await house.creator();
      await house.overlay(token);
      const { closings } = link(token);
      await expect.poll(() => closings, SOON).toEqual([{ code: 4009, why: 'too many from this network', retryMs: 60_000 }]);
    });

    it('hears nothing more of a link that it has let go', async () => {
      await open();
      const { truth, token } = await house.creator();
      const { frames, closings, opened } = link(token);
      await expect.poll(() => frames.some(({ op }) => op === 'ready'), SOON).toBe(true);
      opened.close(1000, 'enough');
      const heard = frames.length;
      await truth.send();
      await sleep(200);
      expect([frames.length, closings]).toEqual([heard, []]);
      await expect.poll(async () => JSON.stringify(await house.stats()), SOON).toContain('"connections":{"total":0');
    });

    it.each(['ws://127.0.0.1:1/overlay', 'not a url'])('is told and not thrown at when there is no gateway (%s)', async (url) => {
      await open();
      const { closings } = link('dro_ov_x', url);
      expect(closings).toEqual([]);
      await expect.poll(() => closings.map(({ code }) => code), SOON).toEqual([1006]);
    });

    it('does not lose or double an event when its gateway is replaced', async () => {
      await open({ DRAIN_WINDOW_MS: '500', DRAIN_GRACE_MS: '5000' });
      const { truth, token } = await house.creator();
      const page = overlay(token);
      await expect.poll(page.state, SOON).toBe('open');
      await truth.send();
      await expect.poll(() => page.seqs(), SOON).toEqual([2]);
      // The successor knows what the other one knew, as two gateways on one Redis do.
      const successor = await GatewayHouse.start({
        broker: MemoryBrokerModule,
        settings: { OVERLAY_TOKEN_KEYS: house.keys },
      });
      await successor.feed.restore(truth.creatorId, truth.snapshot(256));
      network.route(successor.port);
      const closing = house.running.close('replaced');
      const publish = async (): Promise<void> => {
        const event = truth.commit(truth.tip());
        for (const { feed } of [house, successor]) await feed.append(truth.creatorId, truth.epoch, event).catch(() => undefined);
      };
      for (let i = 0; i < 30; i += 1) {
        await publish();
        await sleep(50);
      }
      await closing;
      await publish();
      await expect.poll(() => page.seqs().at(-1), SOON).toBe(truth.head);
      expect(page.seqs()).toEqual(Array.from({ length: truth.head - 1 }, (_, i) => i + 2));
      expect([page.gaps, page.states.map((state) => state.kind)]).toEqual([[], ['connecting', 'open']]);
      page.connection.stop();
      await successor.stop();
    });
  });
}
