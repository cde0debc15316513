import { describe, expect, it } from 'vitest';
import { SessionRoster } from './session-roster.js';
import { Desk } from './testing/desk.js';

describe(SessionRoster.name, () => {
  it('makes room among the silent: of the network with the most of them goes the one that came first', () => {
    const desk = new Desk();
    const visitors = ['one', 'many', 'many', 'other'].map((network) => desk.arrive(network));
    const endings = (): unknown[] => visitors.map(({ link }) => link.ending?.code);
    desk.clock.advance(1999);
    expect(desk.roster.makeRoom('newcomer')).toBe(false);
    desk.clock.advance(1);
    expect(desk.roster.makeRoom('many')).toBe(false);
    expect(endings()).toEqual([undefined, undefined, undefined, undefined]);
    expect(desk.roster.makeRoom('newcomer')).toBe(true);
    expect(endings()).toEqual([undefined, 4008, undefined, undefined]);
    expect(desk.roster.unauthenticated).toBe(3);
    expect(desk.roster.makeRoom('newcomer')).toBe(true);
    expect(endings()).toEqual([4008, 4008, undefined, undefined]);
    // As many as anybody else.
    expect(desk.roster.makeRoom('other')).toBe(false);
  });

  it('takes no place from whoever has presented a token', async () => {
    const desk = new Desk();
    await desk.seat(await desk.token());
    desk.clock.advance(60_000);
    expect(desk.roster.makeRoom('newcomer')).toBe(false);
  });

  it('counts no preview among the pages of an overlay, and hears of nothing that one has shown', async () => {
    const desk = new Desk();
    const token = await desk.token();
    const preview = await desk.seat(token, { isPreview: true });
    expect(desk.roster.socketsByOverlay().size).toBe(0);
    const page = await desk.seat(token);
    expect([...desk.roster.socketsByOverlay().values()]).toEqual([1]);
    const shown = JSON.stringify({ op: 'shown', seq: 0, ms: 5 });
    preview.session.receive(shown);
    expect(desk.roster.moments.size).toBe(0);
    page.session.receive(shown);
    expect(desk.roster.moments.size).toBe(1);
    // The limits are for whoever holds a socket.
    expect(desk.roster.size).toBe(2);
  });
});
