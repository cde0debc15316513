import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamicModule, Type } from '@nestjs/common';
import { TIP_TTL_MS } from '@droppio/tips';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayHouse } from './testing/gateway-house.js';

/** What an overlay that comes back is owed, whatever broker the gateway stands on. */
export function describeResume(name: string, broker: () => DynamicModule | Type): void {
  describe(`an overlay that comes back (${name})`, () => {
    let house: GatewayHouse;
    beforeEach(async () => {
      house = await GatewayHouse.start({ broker: broker(), settings: { GATEWAY_RESTORE_TIMEOUT_MS: '2000' } });
    });
    afterEach(() => house.stop());

    const stale = () => ({ block: Date.now() - TIP_TTL_MS - 1000, seen: Date.now() - TIP_TTL_MS });
    const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

    it('at the head has recovered and is sent nothing', async () => {
      const { truth, token } = await house.creator();
      const client = await house.overlay(token, { epoch: truth.epoch, seq: 1 });
      expect(await client.ready()).toMatchObject({ recovered: true, from: 2, head: 1 });
      expect(client.events).toEqual([]);
    });

    it('gets exactly what it missed, then what is new', async () => {
      const { truth, token } = await house.creator();
      for (let i = 0; i < 5; i += 1) await truth.send();
      const client = await house.overlay(token, { epoch: truth.epoch, seq: 3 });
      expect(await client.ready()).toMatchObject({ recovered: true, from: 4, head: 6 });
      await truth.send();
      await client.caughtUp(7);
      expect(client.events.map(({ seq, replay }) => [seq, replay])).toEqual([
        [4, true],
        [5, true],
        [6, true],
        [7, undefined],
      ]);
    });

    it('misses nothing and gets nothing twice while events pour in as it is admitted', async () => {
      const { truth, token } = await house.creator();
      for (let i = 0; i < 100; i += 1) await truth.send();
      const flood = { isOn: true };
      const pouring = (async () => {
        while (flood.isOn) {
          await truth.send();
          await sleep(1);
        }
      })();
      const cursors = Array.from({ length: 10 }, (_, i) => 1 + i * 9);
      const clients = await Promise.all(cursors.map((seq) => house.overlay(token, { epoch: truth.epoch, seq })));
      await sleep(200);
      flood.isOn = false;
      await pouring;
      for (const [i, client] of clients.entries()) {
        await client.caughtUp(truth.head);
        expect(client.seqs).toEqual(upTo((cursors[i] ?? 0) + 1, truth.head));
      }
      expect(truth.head).toBeGreaterThan(110);
    });

    it('long after gets old tips summed up and none that was taken back', async () => {
      const { truth, token } = await house.creator();
      await truth.send(truth.tip({ at: stale() }));
      await truth.send(truth.tip({ at: stale() }));
      const gone = await truth.send();
      await truth.send(truth.tip({ id: gone.id, type: 'tip.retracted', state: 'orphaned' }));
      await truth.send();
      const client = await house.overlay(token, { epoch: truth.epoch, seq: 1 });
      await client.caughtUp(6);
      expect(client.events.map(({ type, from, seq }) => [type, from ?? seq, seq])).toEqual([
        ['summary', 2, 3],
        ['skip', 4, 5],
        ['tip', 6, 6],
      ]);
    });

    it('with a place ahead of the feed has the feed restored, and has recovered', async () => {
      const { truth, token, worker } = await house.creator();
      for (let i = 0; i < 3; i += 1) truth.commit(truth.tip());
      const client = await house.overlay(token, { epoch: truth.epoch, seq: 4 });
      expect(worker.restores).toBeGreaterThan(0);
      expect(await client.ready()).toMatchObject({ recovered: true, head: 4, from: 5 });
      expect(client.events).toEqual([]);
    });

    it('with a place that nobody knows starts at the head and is told that it has not recovered', async () => {
      const { truth, token } = await house.creator();
      const ahead = await house.overlay(token, { epoch: truth.epoch, seq: 99 });
      expect(await ahead.ready()).toMatchObject({ recovered: false, head: 1, from: 2 });
      const other = await house.overlay(token, { epoch: 'before', seq: 1 });
      expect(await other.ready()).toMatchObject({ recovered: false, epoch: truth.epoch, from: 2 });
      await truth.send();
      await Promise.all([ahead.caughtUp(2), other.caughtUp(2)]);
    });

    it('after more than is kept is told what it lost and gets the rest', async () => {
      const { truth, token } = await house.creator();
      for (let i = 0; i < 700; i += 1) truth.commit(truth.tip());
      await truth.drain();
      const client = await house.overlay(token, { epoch: truth.epoch, seq: 2 });
      const { recovered, from, head } = await client.ready();
      await client.caughtUp(701);
      expect([recovered, head]).toEqual([false, 701]);
      expect(client.frames.find((frame) => frame.op === 'gap')).toEqual({ op: 'gap', from: 3, to: from - 1 });
      expect(client.seqs).toEqual(upTo(from, 701));
      expect(client.seqs.length).toBeGreaterThanOrEqual(256);
    });

    it('to a gateway whose feed knows nothing of the creator has it restored, with all that was missed', async () => {
      const { truth, token, worker } = await house.creator();
      for (let i = 0; i < 4; i += 1) truth.commit(truth.tip());
      await house.feed.restore(truth.creatorId, { position: { epoch: 'other', seq: 0 }, events: [], grants: [] });
      const client = await house.overlay(token, { epoch: truth.epoch, seq: 2 });
      expect(await client.ready()).toMatchObject({ recovered: true, epoch: truth.epoch });
      await client.caughtUp(5);
      expect(client.seqs).toEqual([3, 4, 5]);
      expect(worker.restores).toBeGreaterThan(0);
    });
  });
}
