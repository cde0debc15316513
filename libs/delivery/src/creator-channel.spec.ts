import { describe, expect, it } from 'vitest';
import { CreatorChannel } from './creator-channel.js';
import { Desk } from './testing/desk.js';

const lagged = () => new Promise((resolve) => setTimeout(resolve, 100));

describe(CreatorChannel.name, () => {
  it('gives a newcomer nothing twice that was on its way to the others when it came', async () => {
    const desk = new Desk();
    const token = await desk.token();
    const first = await desk.seat(token);
    desk.pacer.pace(200);
    await desk.truth.send();
    const second = desk.arrive();
    second.session.open({ token, cursor: { epoch: desk.truth.epoch, seq: 1 } });
    await lagged();
    await desk.truth.send();
    await lagged();
    for (const { link } of [first, second]) {
      expect(link.frames.flatMap((frame) => (frame.op === 'event' ? [frame.seq] : []))).toEqual([2, 3]);
    }
  });

  it('does not let in a token that is revoked while its events are read', async () => {
    const desk = new Desk();
    const grant = await desk.truth.overlay();
    const token = desk.tokens.sign({ ...grant, creatorId: desk.truth.creatorId });
    for (let i = 0; i < 3; i += 1) await desk.truth.send();
    const { session, link } = desk.arrive();
    desk.feed.beforeReading = async () => {
      if (desk.truth.head > 4 || desk.feed.readings === 0) return;
      await desk.truth.send({ type: 'config', id: grant.overlayId, at: { seen: 0 }, ttlMs: 1, d: { ...grant, version: 2 } });
    };
    session.open({ token, cursor: { epoch: desk.truth.epoch, seq: 1 } });
    await lagged();
    expect(desk.truth.head).toBe(5);
    expect(link.ending?.code).toBe(4500);
    expect(link.frames.map(({ op }) => op)).toEqual(['hello']);
  });

  it('is not misled by a late word about an older grant', async () => {
    const desk = new Desk();
    const grant = await desk.truth.overlay();
    const [older, newer] = [2, 3].map((version) => ({ ...grant, version }));
    desk.feed.loses = () => true;
    await desk.seat(desk.tokens.sign({ ...grant, creatorId: desk.truth.creatorId }));
    for (const d of [older, newer])
      if (d !== undefined) await desk.truth.send({ type: 'config', id: d.overlayId, at: { seen: 0 }, ttlMs: 1, d });
    await desk.channels.visit(desk.truth.creatorId, async ({ grants, follower }) => {
      expect(await grants.find(grant.overlayId, 3)).toMatchObject({ version: 3 });
      expect(follower.position.seq).toBe(3);
      expect(grants.learn({ ...grant, version: 2 })).toMatchObject({ version: 3 });
      expect(grants.known(grant.overlayId)).toMatchObject({ version: 3 });
    });
  });

  it('tells every overlay what is lost, and asks again what it knows of them', async () => {
    const desk = new Desk();
    const { session, link } = await desk.seat(await desk.token());
    desk.feed.loses = () => true;
    for (let i = 0; i < 600; i += 1) desk.truth.commit(desk.truth.tip());
    await desk.truth.drain();
    const readings = desk.feed.grantReadings;
    await desk.channels.visit(desk.truth.creatorId, async ({ follower }) => {
      const healed = follower.catchUp();
      // The restore that it asks for has nobody to do it: time for it passes here.
      for (let i = 0; i < 50; i += 1) await desk.pass(250, [session]);
      await healed;
    });
    const gap = link.frames.find(({ op }) => op === 'gap');
    const seqs = link.frames.flatMap((frame) => (frame.op === 'event' ? [frame.seq] : []));
    expect(gap).toMatchObject({ from: 2, to: (seqs[0] ?? 0) - 1 });
    expect(seqs.at(-1)).toBe(601);
    expect(desk.feed.grantReadings).toBeGreaterThan(readings);
  });

  it('sends its overlays away when the stream is numbered anew, since their places mean nothing any more', async () => {
    const desk = new Desk();
    const { link } = await desk.seat(await desk.token());
    await desk.feed.restore(desk.truth.creatorId, { position: { epoch: 'anew', seq: 1 }, events: [], grants: [] });
    await lagged();
    expect(link.ending).toMatchObject({ code: 4007 });
    expect(link.ending?.reason).toMatch(/"retryMs":\d+/);
  });
});
