import { CloseCode } from '@droppio/protocol';
import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { Ladder } from './ladder.js';
import { OverlayConnection, type ConnectionState } from './overlay-connection.js';
import { aTipFrame, ScriptedTransport, settle } from './testing/scripted-transport.js';

function aLadder() {
  const clock = new ManualClock();
  const [socket, stream, poll] = [new ScriptedTransport(), new ScriptedTransport(), new ScriptedTransport()];
  const rungs = [socket, stream, poll] as const;
  const ladder = new Ladder([socket, stream, poll], { clock, random: () => 1 });
  const seqs: number[] = [];
  const states: ConnectionState[] = [];
  const connection = new OverlayConnection(
    { transport: ladder, token: 'dro_ov_secret', cursor: { epoch: 'e1', seq: 0 }, clock, random: () => 0.5 },
    { event: ({ seq }) => seqs.push(seq), ready: () => undefined, gap: () => undefined, state: (state) => states.push(state) },
  );
  const after = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
  };
  /** How often each rung was tried. */
  const tries = (): number[] => rungs.map(({ links }) => links.length);
  const admit = (rung: ScriptedTransport, head = 0): void => {
    rung.last.hello();
    rung.last.ready((rung.last.auth?.cursor?.seq ?? head) + 1, head);
  };
  /** The link in use breaks, and the next one is opened. */
  const breakOne = async (rung: ScriptedTransport): Promise<void> => {
    rung.last.drop();
    await after(20_000);
  };
  connection.start();
  return { clock, ladder, socket, stream, poll, connection, seqs, states, after, tries, admit, breakOne };
}

describe(Ladder.name, () => {
  it('gives each way a second chance before it takes the next, and after the last begins anew', async () => {
    const { socket, stream, poll, tries, breakOne } = aLadder();
    for (const rung of [socket, socket, stream, stream, poll, poll]) await breakOne(rung);
    expect(tries()).toEqual([3, 2, 2]);
  });

  it('leaves a way that opens and never gets through, or that breaks as soon as it does', async () => {
    const { socket, stream, admit, after, tries } = aLadder();
    socket.last.hello();
    await after(15_000);
    await after(500);
    admit(socket);
    await after(9000);
    socket.last.drop();
    await after(1000);
    expect(tries()).toEqual([2, 1, 0]);
    expect(stream.last.isOpen).toBe(true);
  });

  it('stays with a way that worked for long, however often it breaks', async () => {
    const { socket, admit, after, tries, breakOne } = aLadder();
    for (let i = 0; i < 5; i += 1) {
      admit(socket);
      await after(10_000);
      await breakOne(socket);
    }
    expect(tries()).toEqual([6, 0, 0]);
  });

  it('does not take the words of the gateway for a fault of the way', async () => {
    const { socket, after, tries } = aLadder();
    for (const code of [CloseCode.overloaded, CloseCode.drain, CloseCode.internal, CloseCode.tooManyFromNetwork]) {
      socket.last.drop({ code });
      await after(20_000);
    }
    expect(tries()).toEqual([5, 0, 0]);
  });

  it('resumes on every way where the one before was', async () => {
    const { socket, stream, admit, seqs, breakOne } = aLadder();
    admit(socket, 2);
    socket.last.say(aTipFrame(1));
    socket.last.say(aTipFrame(2));
    await breakOne(socket);
    await breakOne(socket);
    stream.last.hello();
    expect(stream.last.auth?.cursor).toEqual({ epoch: 'e1', seq: 2 });
    stream.last.ready(3, 3);
    stream.last.say(aTipFrame(3));
    expect(seqs).toEqual([1, 2, 3]);
  });

  it('climbs back after a while, and leaves the lower way only when the better one is ready', async () => {
    const { ladder, socket, stream, admit, after, states, seqs, breakOne } = aLadder();
    await breakOne(socket);
    await breakOne(socket);
    admit(stream);
    const lower = stream.last;
    for (const ms of [20_000, 20_000, 19_999]) {
      await after(ms);
      lower.say({ op: 'ping', head: 0 });
    }
    expect(socket.links).toHaveLength(2);
    await after(1);
    await after(0);
    expect(socket.links).toHaveLength(3);
    lower.say(aTipFrame(1));
    expect(lower.isOpen).toBe(true);
    admit(socket, 1);
    expect([lower.isOpen, socket.last.isOpen]).toEqual([false, true]);
    socket.last.say(aTipFrame(2));
    expect(seqs).toEqual([1, 2]);
    expect(states.map(({ kind }) => kind)).toEqual(['connecting', 'open']);
    expect(ladder.name).toBe(socket.name);
    await after(30_000);
    expect(stream.links).toHaveLength(1);
  });

  it('loses nothing by a climb that fails, tries again later and later, and other ways in between', async () => {
    const { socket, stream, poll, admit, after, states, seqs, breakOne } = aLadder();
    for (const rung of [socket, socket, stream, stream]) await breakOne(rung);
    admit(poll);
    const tried: string[] = [];
    for (const waitMs of [60_000, 120_000, 240_000, 480_000, 960_000, 1_800_000, 1_800_000]) {
      const counts = [socket.links.length, stream.links.length];
      const old = poll.last;
      for (let left = waitMs - 1; left > 0; left -= 20_000) {
        await after(Math.min(left, 20_000));
        old.say({ op: 'ping', head: seqs.length });
      }
      expect([socket.links.length, stream.links.length]).toEqual(counts);
      await after(1);
      await after(0);
      const tryOut = socket.links.length > (counts[0] ?? 0) ? socket : stream;
      tried.push(tryOut === socket ? 'socket' : 'stream');
      tryOut.last.drop();
      old.say(aTipFrame(seqs.length + 1));
      await after(1000);
      expect(poll.last).not.toBe(old);
      admit(poll, seqs.length);
      expect(old.isOpen).toBe(false);
    }
    expect(tried).toEqual(['socket', 'stream', 'socket', 'stream', 'socket', 'stream', 'socket']);
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(states.map(({ kind }) => kind)).toEqual(['connecting', 'open']);
  });

  it('does not hold a climb that failed against the way that it came from', async () => {
    const { socket, stream, poll, admit, after, breakOne } = aLadder();
    await breakOne(socket);
    await breakOne(socket);
    admit(stream);
    const lower = stream.last;
    for (let i = 0; i < 3; i += 1) {
      await after(20_000);
      lower.say({ op: 'ping', head: 0 });
    }
    await after(0);
    socket.last.drop();
    await after(1000);
    stream.last.drop();
    await after(2000);
    expect([stream.links.length, poll.links.length]).toEqual([3, 0]);
  });

  it('opens nothing more once the page has stopped', async () => {
    const { socket, stream, connection, admit, after, tries, breakOne } = aLadder();
    await breakOne(socket);
    await breakOne(socket);
    admit(stream);
    connection.stop();
    await after(600_000);
    expect(tries()).toEqual([2, 1, 0]);
  });
});
