import { CloseCode, type EventFrame } from '@droppio/protocol';
import type { FeedPosition } from '@droppio/tips';
import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { OverlayConnection, type ConnectionState } from './overlay-connection.js';
import type { Gap } from './sequence.js';
import { aTipFrame, ScriptedTransport, settle } from './testing/scripted-transport.js';

function aConnection(cursor?: FeedPosition, random = () => 0.5) {
  const clock = new ManualClock();
  const transport = new ScriptedTransport();
  const seqs: number[] = [];
  const gaps: Gap[] = [];
  const states: ConnectionState[] = [];
  const connection = new OverlayConnection(
    { transport, token: 'dro_ov_secret', cursor, client: 'test', clock, random },
    {
      event: (frame: EventFrame) => seqs.push(frame.seq),
      ready: () => undefined,
      gap: (gap) => gaps.push(gap),
      state: (state) => states.push(state),
    },
  );
  const after = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
  };
  /** Walks through the handshake on the newest link. */
  const admit = (from: number, head: number): void => {
    transport.last.hello();
    transport.last.ready(from, head);
  };
  return { clock, transport, connection, seqs, gaps, states, after, admit };
}

describe(`${OverlayConnection.name}: resuming`, () => {
  it('presents the token and the stored cursor after the hello', () => {
    const { connection, transport } = aConnection({ epoch: 'e1', seq: 41 });
    connection.start();
    expect(transport.last.sent).toEqual([]);
    transport.last.hello();
    expect(transport.last.auth).toEqual({ op: 'auth', token: 'dro_ov_secret', cursor: { epoch: 'e1', seq: 41 }, client: 'test' });
  });

  it('presents no cursor on the very first visit and starts where the server is', () => {
    const { connection, transport, admit } = aConnection();
    connection.start();
    admit(8, 7);
    expect(transport.last.auth).not.toHaveProperty('cursor');
    expect(connection.position).toEqual({ epoch: 'e1', seq: 7 });
  });

  it('resumes after the last event it took, not after the cursor it started with', async () => {
    const { connection, transport, admit, after } = aConnection({ epoch: 'e1', seq: 1 });
    connection.start();
    admit(2, 3);
    transport.last.say(aTipFrame(2));
    transport.last.say(aTipFrame(3));
    transport.last.drop();
    await after(500);
    transport.last.hello();
    expect(transport.last.auth?.cursor).toEqual({ epoch: 'e1', seq: 3 });
  });

  it('ignores what it has taken before', () => {
    const { connection, transport, admit, seqs } = aConnection({ epoch: 'e1', seq: 4 });
    connection.start();
    admit(5, 6);
    for (const seq of [5, 5, 6, 5, 3]) transport.last.say(aTipFrame(seq));
    expect(seqs).toEqual([5, 6]);
  });

  it('passes nothing on past a hole and comes back at the last good place', async () => {
    const { connection, transport, admit, seqs, after } = aConnection({ epoch: 'e1', seq: 4 });
    connection.start();
    admit(5, 7);
    transport.last.say(aTipFrame(5));
    transport.last.say(aTipFrame(7));
    transport.last.say(aTipFrame(6));
    expect(seqs).toEqual([5]);
    expect(transport.links[0]?.closedWith?.code).toBe(CloseCode.resync);
    await after(500);
    transport.last.hello();
    expect(transport.last.auth?.cursor?.seq).toBe(5);
  });

  it('takes a summary for the events it stands for, but not one that repeats an event', () => {
    const { connection, transport, admit, seqs } = aConnection({ epoch: 'e1', seq: 4 });
    connection.start();
    admit(5, 9);
    transport.last.say({ op: 'event', type: 'summary', from: 5, seq: 7, d: { tips: 3, totals: [] } });
    transport.last.say({ op: 'event', type: 'skip', from: 6, seq: 8 });
    expect(connection.position?.seq).toBe(8);
    transport.last.say({ op: 'event', type: 'summary', from: 8, seq: 9, d: { tips: 2, totals: [] } });
    expect(seqs).toEqual([7, 8]);
    expect(transport.last.closedWith?.code).toBe(CloseCode.resync);
  });

  it('comes back when a ping knows of an event that does not come', async () => {
    const { connection, transport, admit, after } = aConnection({ epoch: 'e1', seq: 4 });
    connection.start();
    admit(5, 4);
    transport.last.say({ op: 'ping', head: 5 });
    await after(4999);
    expect(transport.links).toHaveLength(1);
    await after(1);
    await after(500);
    expect(transport.links).toHaveLength(2);
  });

  it('stays when the event of the ping was only late, and when the store behind is away', async () => {
    const { connection, transport, admit, after } = aConnection({ epoch: 'e1', seq: 4 });
    connection.start();
    admit(5, 4);
    transport.last.say({ op: 'ping', head: 5 });
    await after(2000);
    transport.last.say(aTipFrame(5));
    transport.last.say({ op: 'ping', head: 9, degraded: true });
    await after(20_000);
    expect(transport.links).toHaveLength(1);
  });
});

describe(`${OverlayConnection.name}: a way that is admitted again and again`, () => {
  it('goes on with each admission, and announces what was lost between two of them', () => {
    const { connection, transport, admit, seqs, gaps, states } = aConnection({ epoch: 'e1', seq: 4 });
    connection.start();
    admit(5, 5);
    transport.last.say(aTipFrame(5));
    transport.last.ready(6, 6);
    transport.last.say(aTipFrame(6));
    transport.last.ready(9, 9, 'e1', false);
    transport.last.say(aTipFrame(9));
    expect(seqs).toEqual([5, 6, 9]);
    expect(gaps).toEqual([{ kind: 'lost', from: 7, to: 8 }]);
    expect(states.map(({ kind }) => kind)).toEqual(['connecting', 'open']);
    expect(transport.links).toHaveLength(1);
  });
});

describe(`${OverlayConnection.name}: losses said aloud`, () => {
  it('announces a gap frame and goes on behind it', () => {
    const { connection, transport, admit, gaps, seqs } = aConnection({ epoch: 'e1', seq: 4 });
    connection.start();
    admit(5, 9);
    transport.last.say({ op: 'gap', from: 5, to: 8 });
    transport.last.say(aTipFrame(9));
    expect(gaps).toEqual([{ kind: 'lost', from: 5, to: 8 }]);
    expect(seqs).toEqual([9]);
  });

  it('announces what the server can no longer send', () => {
    const { connection, transport, gaps } = aConnection({ epoch: 'e1', seq: 4 });
    connection.start();
    transport.last.hello();
    transport.last.ready(100, 120, 'e1', false);
    expect(gaps).toEqual([{ kind: 'lost', from: 5, to: 99 }]);
    expect(connection.position?.seq).toBe(99);
  });

  it('announces a stream that is numbered anew and follows the new numbers', () => {
    const { connection, transport, gaps, seqs } = aConnection({ epoch: 'e1', seq: 500 });
    connection.start();
    transport.last.hello();
    transport.last.ready(3, 3, 'e2', false);
    transport.last.say(aTipFrame(3));
    expect(gaps).toEqual([{ kind: 'renumbered', epoch: 'e2' }]);
    expect(seqs).toEqual([3]);
  });
});

describe(`${OverlayConnection.name}: a server that forgot`, () => {
  it('takes numbers again that the server gives out again, and says so', () => {
    const { connection, transport, gaps, seqs } = aConnection({ epoch: 'e1', seq: 9 });
    connection.start();
    transport.last.hello();
    transport.last.ready(6, 5, 'e1', false);
    transport.last.say(aTipFrame(6));
    expect(gaps).toEqual([{ kind: 'renumbered', epoch: 'e1' }]);
    expect(seqs).toEqual([6]);
  });
});

describe(`${OverlayConnection.name}: coming back`, () => {
  it('doubles the bound of its delay up to 20 s, with full jitter', async () => {
    const { connection, transport, after } = aConnection(undefined, () => 0.999);
    connection.start();
    for (const boundMs of [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]) {
      const links = transport.links.length;
      transport.last.drop();
      await after(boundMs * 0.99);
      expect(transport.links, `before ${String(boundMs)} ms`).toHaveLength(links);
      await after(boundMs * 0.01);
      expect(transport.links, `after ${String(boundMs)} ms`).toHaveLength(links + 1);
    }
  });

  it('starts the delays anew only after ten stable seconds', async () => {
    const { connection, transport, admit, after } = aConnection(undefined, () => 0.999);
    connection.start();
    transport.last.drop();
    await after(500);
    admit(1, 0);
    await after(9000);
    transport.last.drop();
    await after(500);
    expect(transport.links).toHaveLength(2);
    await after(500);
    admit(1, 0);
    await after(10_000);
    transport.last.drop();
    await after(500);
    expect(transport.links).toHaveLength(4);
  });

  it('waits as long as the server asks, and a random while on top', async () => {
    const { connection, transport, after } = aConnection();
    connection.start();
    transport.last.drop({ code: CloseCode.overloaded, retryMs: 4200 });
    await after(4200);
    expect(transport.links).toHaveLength(1);
    await after(250);
    expect(transport.links).toHaveLength(2);
  });

  it('does not sit out the delay when the network is back', async () => {
    const { connection, transport, after } = aConnection();
    connection.start();
    transport.last.drop({ code: 1006, retryMs: 60_000 });
    connection.hurry();
    await after(0);
    expect(transport.links).toHaveLength(2);
  });

  it('takes silence for death, ten seconds after a ping was due', async () => {
    const { connection, transport, admit, after, states } = aConnection();
    connection.start();
    admit(1, 0);
    await after(30_000);
    transport.last.say({ op: 'ping', head: 0 });
    expect(transport.last.sent.at(-1)).toEqual({ op: 'pong' });
    await after(34_999);
    expect(states.at(-1)).toEqual({ kind: 'open' });
    await after(1);
    expect(states.at(-1)).toEqual({ kind: 'connecting' });
    expect(transport.last.closedWith?.code).toBe(CloseCode.noPong);
  });

  it('gives a handshake fifteen seconds', async () => {
    const { connection, transport, after } = aConnection();
    connection.start();
    transport.last.hello();
    await after(15_000);
    await after(250);
    expect(transport.links).toHaveLength(2);
    expect(transport.links[0]?.isOpen).toBe(false);
  });

  it('stops for good on a code of 4500 or more and says why', async () => {
    const { connection, transport, states, after } = aConnection();
    connection.start();
    transport.last.hello();
    transport.last.drop({ code: CloseCode.badToken, why: 'revoked' });
    await after(600_000);
    expect(transport.links).toHaveLength(1);
    expect(states.at(-1)).toEqual({ kind: 'stopped', code: 4500, why: 'revoked' });
  });

  it.each([
    [CloseCode.overlayDisabled, 60_000],
    [CloseCode.tooManySocketsOnToken, 60_000],
    [CloseCode.authTimeout, 5000],
  ])('asks again, seldom, where the refusal may be over one day (%i)', async (code, leastMs) => {
    const { connection, transport, states, admit, after } = aConnection();
    connection.start();
    for (let round = 1; round < 4; round += 1) {
      transport.last.hello();
      transport.last.drop({ code });
      expect(states.at(-1)).toMatchObject({ kind: 'stopped', code });
      await after(leastMs - 1);
      expect(transport.links).toHaveLength(round);
      await after(leastMs + 1);
      expect(transport.links).toHaveLength(round + 1);
    }
    admit(1, 0);
    expect(states.at(-1)).toEqual({ kind: 'open' });
    transport.last.drop({ code });
    connection.stop();
    await after(600_000);
    expect(transport.links).toHaveLength(4);
  });

  it('opens nothing more after stop, whatever was under way', async () => {
    const { connection, transport, admit, after } = aConnection();
    connection.start();
    admit(1, 0);
    transport.last.say({ op: 'move', afterMs: 1000, graceMs: 5000, why: 'drain' });
    connection.stop();
    await after(600_000);
    expect(transport.links).toHaveLength(1);
    expect(transport.last.isOpen).toBe(false);
  });
});

describe(`${OverlayConnection.name}: moving`, () => {
  it('keeps the old link until the new one is ready and delivers each event once', async () => {
    const { connection, transport, admit, seqs, states, after } = aConnection({ epoch: 'e1', seq: 0 });
    connection.start();
    admit(1, 0);
    const old = transport.last;
    old.say({ op: 'move', afterMs: 3000, graceMs: 30_000, why: 'drain' });
    await after(2999);
    expect(transport.links).toHaveLength(1);
    await after(1);
    const fresh = transport.last;
    fresh.hello();
    old.say(aTipFrame(1));
    fresh.ready(1, 1);
    expect(old.isOpen).toBe(false);
    fresh.say(aTipFrame(1));
    fresh.say(aTipFrame(2));
    expect(seqs).toEqual([1, 2]);
    expect(states.map((state) => state.kind)).toEqual(['connecting', 'open']);
  });

  it('stays on the old link while its successor is refused', async () => {
    const { connection, transport, admit, seqs, states, after } = aConnection({ epoch: 'e1', seq: 0 });
    connection.start();
    admit(1, 0);
    const old = transport.last;
    old.say({ op: 'move', afterMs: 0, graceMs: 30_000, why: 'rebalance' });
    await after(0);
    transport.last.drop({ code: CloseCode.tooManySocketsOnToken });
    old.say(aTipFrame(1));
    await after(500);
    expect(transport.links).toHaveLength(3);
    admit(2, 1);
    expect(old.isOpen).toBe(false);
    expect(seqs).toEqual([1]);
    expect(states.at(-1)).toEqual({ kind: 'open' });
  });

  it('stays on the old link beyond its grace where nobody takes it in, until the server ends it', async () => {
    const { connection, transport, admit, seqs, states, after } = aConnection({ epoch: 'e1', seq: 0 });
    connection.start();
    admit(1, 0);
    const old = transport.last;
    old.say({ op: 'move', afterMs: 0, graceMs: 5000, why: 'drain' });
    await after(0);
    transport.last.drop({ code: CloseCode.overloaded, retryMs: 60_000 });
    await after(30_000);
    old.say(aTipFrame(1));
    expect([seqs, transport.links.length, states.at(-1)?.kind]).toEqual([[1], 2, 'open']);
    old.drop({ code: CloseCode.drain });
    expect(states.at(-1)).toEqual({ kind: 'connecting' });
    await after(20_000);
    admit(2, 1);
    expect(states.at(-1)).toEqual({ kind: 'open' });
  });

  it('goes on with the new link when the old one dies first', async () => {
    const { connection, transport, admit, after } = aConnection();
    connection.start();
    admit(1, 0);
    const old = transport.last;
    old.say({ op: 'move', afterMs: 0, graceMs: 5000, why: 'drain' });
    await after(0);
    old.drop({ code: CloseCode.drain });
    await after(6000);
    expect(transport.links).toHaveLength(2);
    admit(1, 0);
    expect(transport.last.isOpen).toBe(true);
  });
});

describe(`${OverlayConnection.name}: telling what is shown`, () => {
  it('says so of each alert, but never as often as makes a server turn it away, however many are skipped', async () => {
    const { connection, transport, admit, after } = aConnection();
    connection.start();
    admit(1, 0);
    const told = (): number => transport.last.sent.filter(({ op }) => op === 'shown').length;
    for (let seq = 1; seq <= 60; seq += 1) {
      connection.shown(seq, 100);
      await after(200);
    }
    // Twenty frames at once and one a second more, pongs among them, is what a gateway takes.
    expect(told()).toBeGreaterThanOrEqual(8);
    expect(told()).toBeLessThanOrEqual(8 + 60 * 0.2 * 0.5);
    const before = told();
    for (let seq = 1; seq <= 20; seq += 1) {
      await after(2000);
      // What comes keeps the link from being taken for dead.
      transport.last.say(aTipFrame(seq));
      connection.shown(seq, 100);
    }
    expect(told()).toBe(before + 20);
  });
});
