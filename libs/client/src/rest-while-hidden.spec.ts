import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { OverlayConnection, type ConnectionState } from './overlay-connection.js';
import { RestWhileHidden } from './rest-while-hidden.js';
import { aTipFrame, ScriptedTransport, settle } from './testing/scripted-transport.js';

function aPage() {
  const clock = new ManualClock();
  const transport = new ScriptedTransport();
  const states: ConnectionState[] = [];
  const seqs: number[] = [];
  const connection = new OverlayConnection(
    { transport, token: 'dro_ov_secret', cursor: { epoch: 'e1', seq: 0 }, clock, random: () => 0.5 },
    { event: ({ seq }) => seqs.push(seq), ready: () => undefined, gap: () => undefined, state: (state) => states.push(state) },
  );
  const rest = new RestWhileHidden(connection, clock);
  const after = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
  };
  const admit = (): void => {
    transport.last.hello();
    transport.last.ready((transport.last.auth?.cursor?.seq ?? 0) + 1, seqs.length);
  };
  connection.start();
  admit();
  return { clock, transport, connection, rest, states, seqs, after, admit, kinds: () => states.map(({ kind }) => kind) };
}

describe(RestWhileHidden.name, () => {
  it('lets go after the time the creator asked for, and goes on where it was when the page is seen again', async () => {
    const { transport, rest, seqs, after, admit, kinds } = aPage();
    rest.configure(30_000);
    transport.last.say(aTipFrame(1));
    rest.show(false);
    await after(29_999);
    expect(transport.last.isOpen).toBe(true);
    await after(1);
    expect(transport.last.closedWith).toEqual({ code: 1000, why: 'resting' });
    await after(600_000);
    expect(transport.links).toHaveLength(1);
    rest.show(true);
    expect(transport.links).toHaveLength(2);
    transport.last.hello();
    expect(transport.last.auth?.cursor).toEqual({ epoch: 'e1', seq: 1 });
    admit();
    transport.last.say(aTipFrame(2));
    expect(seqs).toEqual([1, 2]);
    expect(kinds()).toEqual(['connecting', 'open', 'resting', 'connecting', 'open']);
  });

  it('never rests unless it is asked to, and wakes when that is taken back', async () => {
    const { transport, rest, after } = aPage();
    rest.show(false);
    await after(20_000);
    transport.last.say({ op: 'ping', head: 0 });
    expect(transport.last.isOpen).toBe(true);
    rest.configure(15_000);
    await after(0);
    expect(transport.last.isOpen).toBe(false);
    rest.configure(undefined);
    expect(transport.links).toHaveLength(2);
  });

  it('does not rest when the page is seen again in time, and counts from the last time it was hidden', async () => {
    const { transport, rest, after } = aPage();
    rest.configure(10_000);
    for (let i = 0; i < 4; i += 1) {
      rest.show(false);
      await after(6000);
      rest.show(true);
      transport.last.say({ op: 'ping', head: 0 });
      await after(6000);
    }
    expect(transport.links).toHaveLength(1);
    expect(transport.last.isOpen).toBe(true);
  });

  it('leaves alone a connection that has ended for good', async () => {
    const { transport, connection, rest, after, kinds } = aPage();
    rest.configure(1000);
    connection.stop();
    rest.show(false);
    await after(2000);
    rest.show(true);
    await after(60_000);
    expect(transport.links).toHaveLength(1);
    expect(kinds()).toEqual(['connecting', 'open', 'stopped']);
  });

  it('rests also in the middle of coming back', async () => {
    const { transport, rest, after, kinds } = aPage();
    rest.configure(100);
    transport.last.drop({ code: CLOSED, retryMs: 5000 });
    rest.show(false);
    await after(100);
    await after(60_000);
    expect(transport.links).toHaveLength(1);
    expect(kinds().at(-1)).toBe('resting');
    rest.show(true);
    expect(transport.links).toHaveLength(2);
  });
});

const CLOSED = 1006;
