import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FanOut, Turns } from './fan-out.js';
import { FrameBatch } from './frame-batch.js';

class Inbox {
  readonly got: FrameBatch[] = [];

  deliver(batch: FrameBatch): void {
    this.got.push(batch);
  }
}
const batch = (head: number): FrameBatch => new FrameBatch([{ op: 'ping', head }]);

describe(FanOut.name, () => {
  it('gives a small room everything in the same turn', () => {
    const room = Array.from({ length: 1000 }, () => new Inbox());
    let isDone = false;
    new FanOut(new Turns()).send(batch(1), room, () => (isDone = true));
    expect(room.every((inbox) => inbox.got.length === 1)).toBe(true);
    expect(isDone).toBe(true);
  });

  it('goes on with the others, now and later, when one of them throws', () => {
    const broken = {
      deliver(): void {
        throw new Error('broken');
      },
    };
    const [before, after] = [new Inbox(), new Inbox()];
    const fanOut = new FanOut(new Turns());
    for (const one of [batch(1), batch(2)]) fanOut.send(one, [before, broken, after]);
    expect([before.got.length, after.got.length]).toEqual([2, 2]);
  });

  it('lets the event loop turn within a big room, and keeps the order for every socket', async () => {
    const room = Array.from({ length: 2500 }, () => new Inbox());
    const [one, two] = [batch(1), batch(2)];
    const fanOut = new FanOut(new Turns());
    fanOut.send(one, room);
    expect(room.filter((inbox) => inbox.got.length > 0)).toHaveLength(1000);
    const done = new Promise<void>((resolve) => {
      fanOut.send(two, room, resolve);
    });
    expect(room[0]?.got).toEqual([one]);
    await turn();
    expect(room.filter((inbox) => inbox.got.length > 0)).toHaveLength(2000);
    await done;
    expect(room.every((inbox) => inbox.got.length === 2 && inbox.got[0] === one && inbox.got[1] === two)).toBe(true);
  });
});

describe(Turns.name, () => {
  it('lets small rooms in between the parts of a big one, and no turn write to more than a thousand', async () => {
    const turns = new Turns();
    let writes = 0;
    const counted = (size: number) => Array.from({ length: size }, () => ({ deliver: () => void (writes += 1) }));
    const finished: string[] = [];
    const room = (name: string, size: number): void => {
      new FanOut(turns).send(batch(1), counted(size), () => finished.push(name));
    };
    room('big', 4000);
    for (let i = 0; i < 20; i += 1) room('small', 50);
    room('late', 500);
    const perTurn: number[] = [];
    const done: number[] = [];
    while (finished.length < 22) {
      perTurn.push(writes);
      done.push(finished.length);
      writes = 0;
      await turn();
    }
    expect(perTurn.every((count) => count <= 1000)).toBe(true);
    expect(perTurn.slice(0, 5).reduce((sum, count) => sum + count, 0)).toBe(5000);
    expect(done.slice(0, 2)).toEqual([0, 15]);
    expect(finished.at(-1)).toBe('big');
    expect(finished.indexOf('late')).toBeLessThan(21);
  });

  it('goes on when the only room that waits sends more from within', async () => {
    const fanOut = new FanOut(new Turns());
    const inbox = new Inbox();
    fanOut.send(batch(1), [inbox], () => {
      fanOut.send(batch(2), [inbox]);
    });
    await turn();
    expect(inbox.got.map(({ frames }) => frames)).toEqual([[{ op: 'ping', head: 1 }], [{ op: 'ping', head: 2 }]]);
  });
});

describe(FrameBatch.name, () => {
  it('is one run of bytes with each frame in it', () => {
    const frames = new FrameBatch([
      { op: 'ping', head: 7 },
      { op: 'gap', from: 1, to: 300 },
    ]);
    const first = Buffer.from('{"op":"ping","head":7}');
    const second = Buffer.from('{"op":"gap","from":1,"to":300}');
    const expected = Buffer.concat([Buffer.from([0x81, first.length]), first, Buffer.from([0x81, second.length]), second]);
    expect(frames.wire).toEqual(expected);
    expect(frames.wire).toBe(frames.wire);
  });
});
