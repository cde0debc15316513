import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FanOut } from './fan-out.js';
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
    new FanOut().send(batch(1), room, () => (isDone = true));
    expect(room.every((inbox) => inbox.got.length === 1)).toBe(true);
    expect(isDone).toBe(true);
  });

  it('lets the event loop turn within a big room, and keeps the order for every socket', async () => {
    const room = Array.from({ length: 2500 }, () => new Inbox());
    const [one, two] = [batch(1), batch(2)];
    const fanOut = new FanOut();
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
