import { describe, expect, it } from 'vitest';
import { readCloseReason } from '@droppio/protocol';
import { OverlaySession } from './overlay-session.js';
import { Desk } from './testing/desk.js';

const MINUTE = 60_000;

describe(OverlaySession.name, () => {
  it('pings first after half to a whole interval and then at every interval', async () => {
    const desk = new Desk();
    const token = await desk.token();
    const firsts: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      const { session, link } = await desk.seat(token);
      const pings = (): number => link.frames.filter(({ op }) => op === 'ping').length;
      let waited = 0;
      for (; pings() === 0; waited += 250) await desk.pass(250);
      firsts.push(waited);
      await desk.pass(50_000, [session]);
      expect(pings()).toBe(3);
      session.closed(1000);
    }
    expect(firsts.every((ms) => ms >= 12_500 && ms <= 25_500)).toBe(true);
    expect(new Set(firsts).size).toBeGreaterThan(1);
  });

  it('makes room for another one of its overlay when it fell silent, but not when it could never speak', async () => {
    const desk = new Desk({ GATEWAY_MAX_SOCKETS_PER_TOKEN: '2' });
    const token = await desk.token();
    const [stream, socket] = [desk.arrive(), desk.arrive()];
    stream.link.transport = 'sse';
    for (const { session } of [stream, socket]) session.open({ token });
    await new Promise(setImmediate);
    await desk.pass(40_000);
    const third = await desk.seat(token);
    expect([stream, socket, third].map(({ session }) => session.isLive)).toEqual([true, false, true]);
    socket.session.closed(4006);
    const fourth = desk.arrive();
    fourth.session.open({ token });
    // It may come again: what a broken network left of a stream takes a place for a while.
    expect(fourth.link.ending?.code).toBe(4008);
    expect(readCloseReason(fourth.link.ending?.reason ?? '').retryMs).toBeGreaterThanOrEqual(30_000);
    stream.session.closed(1000);
    await desk.seat(token);
    const last = desk.arrive();
    last.session.open({ token });
    expect(last.link.ending?.code).toBe(4504);
  });

  it('is dead after a minute without a word, whatever was sent to it meanwhile', async () => {
    const desk = new Desk();
    const { link } = await desk.seat(await desk.token());
    await desk.pass(MINUTE - 1000);
    expect(link.ending).toBeUndefined();
    await desk.pass(2000);
    expect(link.ending?.code).toBe(4006);
  });

  it('is not dead because the clock of the machine was put forward', async () => {
    const desk = new Desk({ GATEWAY_MAX_AGE_MS: '0' });
    const { link } = await desk.seat(await desk.token());
    desk.clock.advance(60 * MINUTE);
    await desk.pass(30_000);
    expect(link.frames.filter(({ op }) => op === 'ping').length).toBeGreaterThan(0);
    expect(link.ending).toBeUndefined();
  });

  it('is asked to move when it is old, at a time of its own, and closed only if it does not', async () => {
    const desk = new Desk({ GATEWAY_MAX_AGE_MS: String(10 * MINUTE) });
    const token = await desk.token();
    const seats = await Promise.all(Array.from({ length: 5 }, () => desk.seat(token)));
    const sessions = seats.map(({ session }) => session);
    const moved = (): number => seats.filter(({ link }) => link.frames.some(({ op }) => op === 'move')).length;
    await desk.pass(10 * MINUTE - 1000, sessions);
    expect(moved()).toBe(0);
    await desk.pass(10 * MINUTE + 20_000, sessions);
    expect(moved()).toBe(5);
    expect(seats.map(({ link }) => link.ending?.code)).toEqual([4002, 4002, 4002, 4002, 4002]);
  });

  it('is closed as slow when what it owes and what it would owe pass the limit, and not a byte before', async () => {
    const desk = new Desk({ GATEWAY_SOCKET_BUFFER_BYTES: '10000' });
    const { link } = await desk.seat(await desk.token());
    link.queuedBytes = 9000;
    await desk.truth.send();
    await desk.pass(0);
    expect(link.ending).toBeUndefined();
    // The welcome, with the config in it, is not held against it.
    link.queuedBytes = 12_000;
    await desk.truth.send();
    await desk.pass(0);
    expect(link.ending?.code).toBe(4005);
    expect(readCloseReason(link.ending?.reason ?? '').retryMs).toBeGreaterThan(0);
    expect(link.frames.filter(({ op }) => op === 'event')).toHaveLength(1);
  });

  it('writes a burst of one turn at once', async () => {
    const desk = new Desk();
    const { link } = await desk.seat(await desk.token());
    const before = link.writes;
    const events = Array.from({ length: 20 }, () => desk.truth.commit(desk.truth.tip()));
    await Promise.all(events.map((event) => desk.feed.append(desk.truth.creatorId, desk.truth.epoch, event)));
    await desk.pass(0);
    expect(link.frames.filter(({ op }) => op === 'event')).toHaveLength(20);
    expect(link.writes - before).toBe(1);
  });

  it('gathers more per write while the event loop lags, and loses nothing by it', async () => {
    const desk = new Desk();
    const { link } = await desk.seat(await desk.token());
    desk.pacer.pace(200);
    const before = link.writes;
    for (let i = 0; i < 10; i += 1) {
      await desk.truth.send();
      await desk.pass(0);
    }
    expect(link.writes).toBe(before);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(link.writes).toBe(before + 1);
    expect(link.frames.filter(({ op }) => op === 'event')).toHaveLength(10);
    desk.pacer.pace(0);
    await desk.truth.send();
    await desk.pass(0);
    expect(link.writes).toBe(before + 2);
  });

  it('forgets its channel only after the overlay had time to come back', async () => {
    const desk = new Desk();
    const token = await desk.token();
    const { session } = await desk.seat(token);
    session.closed(1000);
    await desk.pass(20_000);
    expect([desk.channels.size, desk.feed.subscribers]).toEqual([1, 1]);
    const again = await desk.seat(token);
    again.session.closed(1000);
    await desk.pass(45_000);
    expect([desk.channels.size, desk.feed.subscribers, desk.roster.size]).toEqual([0, 0, 0]);
  });

  it('reads an overlay and a feed once for all sockets of a creator', async () => {
    const desk = new Desk();
    const token = await desk.token();
    for (let i = 0; i < 10; i += 1) await desk.seat(token);
    expect([desk.feed.subscribers, desk.feed.grantReadings]).toEqual([1, 1]);
  });
});
