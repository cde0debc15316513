import type { Alert, Showing, TipAlert } from '@droppio/client';
import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import { aDisplay, ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { AlertPlayer } from './alert-player.js';

function anAlert(id: string): TipAlert {
  return { kind: 'tip', id, seq: 1, view: aDisplay({ tipId: id }), test: false, replay: false };
}

function aPlayer(durationMs = 8000, resumed: Partial<Showing> = {}) {
  const clock = new ManualClock();
  const waiting: Alert[] = [];
  const notes: string[] = [];
  const faults = new Set<'sound' | 'exit'>();
  let disk = Promise.resolve();
  let frames = true;
  let seenShare = 1;
  const startedAt = clock.now();
  const story: string[] = [];
  let look = { ...DEFAULT_OVERLAY_CONFIG.defaults, durationMs };
  const player = new AlertPlayer({
    inbox: {
      take: () => {
        const alert = waiting.shift();
        return alert && { alert, resumed: false, halfSeen: false, ...resumed };
      },
      putBack: () => notes.push('putBack'),
      settled: () => disk,
      screen: {
        painted: () => notes.push('painted'),
        halfSeen: () => notes.push('halfSeen'),
        done: () => notes.push('done'),
      },
    },
    frame: () => Promise.resolve(frames),
    seenMs: () => (clock.now() - startedAt) * seenShare,
    clock,
    look: () => look,
    shown: (alert) => {
      story.push(`shown ${idOf(alert)}`);
      if (faults.has('sound')) throw new RangeError('no sound');
    },
    failed: (error) => story.push(`failed: ${String(error)}`),
    draw: (alert) => ({
      patch: (change) => story.push(`patch ${change.id}`),
      leave: () => {
        if (faults.delete('exit')) throw new TypeError('no exit');
        story.push(`leave ${idOf(alert)}`);
      },
      remove: () => story.push(`remove ${idOf(alert)}`),
    }),
  });
  const after = async (ms: number): Promise<string[]> => {
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
    return story.splice(0);
  };
  const hear = (...ids: string[]): void => {
    waiting.push(...ids.map(anAlert));
    player.wake();
  };
  const setDuration = (changedMs: number): void => {
    look = { ...look, durationMs: changedMs };
  };
  const see = (share: number, isDrawn = true): void => {
    seenShare = share;
    frames = isDrawn;
  };
  /** What is written down takes as long as the caller likes. */
  const slow = (): (() => void) => {
    let done = (): void => undefined;
    disk = new Promise((resolve) => {
      done = resolve;
    });
    return done;
  };
  return { slow, notes, faults, see, player, after, hear, setDuration, waiting };
}

const idOf = (alert: Alert): string => (alert.kind === 'tip' ? alert.id : 'digest');

describe(AlertPlayer.name, () => {
  it('plays one after the other, 250 ms apart, each for its whole time', async () => {
    const { hear, after, waiting } = aPlayer();
    hear('a', 'b');
    expect(await after(0)).toEqual(['shown a']);
    expect(waiting).toHaveLength(1);
    expect(await after(7699)).toEqual([]);
    expect(await after(1)).toEqual(['leave a']);
    expect(await after(300)).toEqual(['remove a']);
    expect(await after(249)).toEqual([]);
    expect(await after(1)).toEqual(['shown b']);
  });

  it('is woken while it plays without starting a second alert', async () => {
    const { hear, after } = aPlayer();
    hear('a');
    hear('b');
    expect(await after(5000)).toEqual(['shown a']);
  });

  it('plays what comes after a pause', async () => {
    const { hear, after } = aPlayer();
    hear('a');
    for (const ms of [0, 7700, 300, 250, 60_000]) await after(ms);
    hear('b');
    expect(await after(0)).toEqual(['shown b']);
  });

  it('ends an alert at once when it is told to, with its exit, and goes on with the next', async () => {
    const { hear, after, player } = aPlayer();
    hear('a', 'b');
    await after(1000);
    player.skip();
    player.skip();
    expect(await after(0)).toEqual(['leave a']);
    expect(await after(300)).toEqual(['remove a']);
    player.skip();
    expect(await after(250)).toEqual(['shown b']);
    expect(await after(7699)).toEqual([]);
  });

  it('gives a changed theme to the next alert, not to the running one', async () => {
    const { hear, after, setDuration } = aPlayer(8000);
    hear('a', 'b');
    await after(0);
    setDuration(3000);
    expect(await after(2700)).toEqual([]);
    for (const ms of [5000, 300]) await after(ms);
    expect(await after(250)).toEqual(['shown b']);
    expect(await after(2700)).toEqual(['leave b']);
  });

  it('passes a change on to the alert that is on the screen', async () => {
    const { hear, after, player } = aPlayer();
    hear('a');
    player.patch(anAlert('a'));
    expect(await after(0)).toEqual(['shown a', 'patch a']);
    for (const ms of [7700, 300]) await after(ms);
    player.patch(anAlert('a'));
    expect(await after(0)).toEqual([]);
  });

  it('tells how far an alert is: painted, half seen, done', async () => {
    const { hear, after, notes } = aPlayer();
    hear('a');
    await after(0);
    expect(notes).toEqual(['painted']);
    await after(3999);
    expect(notes).toEqual(['painted']);
    await after(1);
    expect(notes).toEqual(['painted', 'halfSeen']);
    await after(3700);
    expect(notes).toEqual(['painted', 'halfSeen', 'done']);
  });

  it('is silent about an alert that goes on, and gives it the time that it has left', async () => {
    const { hear, after, notes } = aPlayer(8000, { resumed: true, halfSeen: true, leftMs: 1300 });
    hear('a');
    await after(0);
    expect(await after(999)).toEqual([]);
    expect(await after(1)).toEqual(['leave a']);
    expect(notes).toEqual(['painted', 'halfSeen', 'done']);
  });

  it.each([
    [0.51, ['painted', 'halfSeen', 'done']],
    [0.49, ['painted', 'putBack']],
  ])('puts an alert back that was out of sight for more than half of its time (seen: %s)', async (share, expected) => {
    const { hear, after, notes, see } = aPlayer();
    see(share);
    hear('a');
    for (const ms of [0, 4000, 3700]) await after(ms);
    // What it is at the end counts, not what it was at half-time.
    expect(notes.filter((note) => note !== 'halfSeen')).toEqual(expected.filter((note) => note !== 'halfSeen'));
  });

  it('takes an alert off again, unheard, when the browser draws no frame', async () => {
    const { hear, after, notes, see } = aPlayer();
    see(1, false);
    hear('a');
    expect(await after(0)).toEqual(['remove a']);
    expect(notes).toEqual(['putBack']);
  });

  it('goes on with an alert whose sound fails, and takes one off that cannot go on, each once', async () => {
    const { hear, after, notes, faults } = aPlayer();
    faults.add('sound').add('exit');
    hear('a', 'b');
    expect(await after(0)).toEqual(['shown a', 'failed: RangeError: no sound']);
    faults.delete('sound');
    await after(4000);
    expect(await after(3700)).toEqual(['failed: TypeError: no exit', 'remove a', 'shown b']);
    for (const ms of [4000, 3700]) await after(ms);
    expect(await after(300)).toEqual(['remove b']);
    expect(notes.filter((note) => note === 'done')).toHaveLength(3);
  });

  it('neither draws for long nor sounds what is skipped before it is there', async () => {
    const { hear, after, notes, slow, player } = aPlayer();
    const written = slow();
    hear('a');
    expect(await after(500)).toEqual([]);
    player.skip();
    written();
    expect(await after(0)).toEqual(['leave a']);
    expect(await after(300)).toEqual(['remove a']);
    expect(notes).toEqual(['done']);
  });

  it('gives an alert its whole time, however long the disk took', async () => {
    const { hear, after, slow } = aPlayer(2000);
    const written = slow();
    hear('a');
    await after(900);
    written();
    expect(await after(0)).toEqual(['shown a']);
    await after(1000);
    expect(await after(699)).toEqual([]);
    expect(await after(1)).toEqual(['leave a']);
  });
});
