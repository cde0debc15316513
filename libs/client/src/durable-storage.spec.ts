import { describe, expect, it } from 'vitest';
import { LocalCursorStore } from './cursor-store.js';
import { DurableStorage, type Shelf } from './durable-storage.js';
import { MemoryTab } from './testing/page-locks.js';

class MemoryShelf implements Shelf {
  readonly texts = new Map<string, string>();
  readonly writes: (readonly string[])[] = [];
  failing = false;

  read(): Promise<ReadonlyMap<string, string>> {
    return this.failing ? Promise.reject(new Error('UnknownError')) : Promise.resolve(new Map(this.texts));
  }

  async write(texts: ReadonlyMap<string, string>): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failing) throw new Error('QuotaExceededError');
    this.writes.push([...texts.keys()]);
    for (const [key, text] of texts) this.texts.set(key, text);
  }
}

const KEY = 'f:0';
let time = 1_800_000_000_000;
/** A second for each look at it, so that no two lives are of one moment. */
const now = (): number => (time += 1000);
const openLate = (local: MemoryTab, openShelf: () => Promise<Shelf>, patience?: Promise<void>) =>
  DurableStorage.open(local, openShelf, `droppio:${KEY}:`, { now, ...(patience && { patience }) });
const open = (local: MemoryTab, shelf: Shelf) => openLate(local, () => Promise.resolve(shelf));

describe(DurableStorage.name, () => {
  it('gives back what localStorage lost when the browser was killed', async () => {
    const shelf = new MemoryShelf();
    const local = new MemoryTab();
    const before = new LocalCursorStore(await open(local, shelf), KEY);
    before.save({ cursor: { epoch: 'e1', seq: 7 }, shown: ['a'] });
    await before.settled();
    const onDisk = local.copy();
    before.save({ cursor: { epoch: 'e1', seq: 8 }, shown: ['a', 'b'], playing: 'b' });
    await before.settled();
    const after = new LocalCursorStore(await open(onDisk, shelf), KEY);
    expect(after.load()).toEqual({ cursor: { epoch: 'e1', seq: 8 }, shown: ['a', 'b'], playing: 'b' });
  });

  it('believes localStorage where that knows more: a reload came before the disk was done', async () => {
    const shelf = new MemoryShelf();
    const local = new MemoryTab();
    const before = new LocalCursorStore(await open(local, shelf), KEY);
    before.save({ cursor: { epoch: 'e1', seq: 7 }, shown: ['a'] });
    await before.settled();
    shelf.failing = true;
    before.save({ cursor: { epoch: 'e1', seq: 8 } });
    await before.settled();
    shelf.failing = false;
    expect(new LocalCursorStore(await open(local, shelf), KEY).load().cursor?.seq).toBe(8);
  });

  it('is settled only when the shelf has it, and writes what was said in one breath in one piece', async () => {
    const shelf = new MemoryShelf();
    const store = new LocalCursorStore(await open(new MemoryTab(), shelf), KEY);
    store.save({ cursor: { epoch: 'e1', seq: 7 }, shown: ['a'] });
    expect(shelf.writes).toEqual([]);
    await store.settled();
    expect(shelf.writes).toEqual([['droppio:f:0:shown', 'droppio:f:0:revision', 'droppio:f:0:cursor']]);
    await store.settled();
    expect(shelf.writes).toHaveLength(1);
  });

  it('does without a shelf that cannot be read', async () => {
    const shelf = new MemoryShelf();
    shelf.failing = true;
    const shut = () => Promise.reject(new Error('SecurityError'));
    const local = new MemoryTab();
    for (const storage of [await open(local, shelf), await openLate(local, shut)]) {
      storage.setItem('droppio:f:0:shown', 'a');
      expect([storage.getItem('droppio:f:0:shown'), local.getItem('droppio:f:0:shown')]).toEqual(['a', 'a']);
    }
    expect(shelf.writes).toEqual([]);
  });

  it('is not told an old story by a shelf that one life had to do without', async () => {
    const shelf = new MemoryShelf();
    const local = new MemoryTab();
    const first = new LocalCursorStore(await open(local, shelf), KEY);
    for (let seq = 1; seq < 9; seq += 1) first.save({ cursor: { epoch: 'e1', seq }, shown: [`t${String(seq)}`], playing: 'x' });
    await first.settled();
    // The browser was killed when localStorage on the disk was younger by far, and its database does not open in time.
    const late = openLate(new MemoryTab(), () => new Promise(() => undefined), Promise.resolve());
    const second = new LocalCursorStore(await late, KEY);
    expect(second.load().cursor).toBeUndefined();
    const behind = new MemoryTab();
    const without = new LocalCursorStore(await openLate(behind, () => Promise.reject(new Error('locked'))), KEY);
    without.save({ cursor: { epoch: 'e1', seq: 30 }, shown: ['t30'] });
    const third = new LocalCursorStore(await open(behind, shelf), KEY);
    expect(third.load()).toMatchObject({ cursor: { epoch: 'e1', seq: 30 }, shown: ['t30'] });
    await third.settled();
    // And what the shelf has from now on is all of one time.
    const fourth = new LocalCursorStore(await open(new MemoryTab(), shelf), KEY);
    expect(fourth.load()).toMatchObject({ cursor: { epoch: 'e1', seq: 30 }, shown: ['t30'] });
    expect(fourth.load().playing ?? '').toBe('');
  });
});
