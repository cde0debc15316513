import { describe, expect, it } from 'vitest';
import { LocalCursorStore } from './cursor-store.js';
import { DurableStorage, type Shelf } from './durable-storage.js';
import { MemoryTab } from './testing/page-locks.js';

class MemoryShelf implements Shelf {
  readonly texts = new Map<string, string>();
  readonly writes: (readonly string[])[] = [];
  failing = false;
  isOpen = true;

  close(): void {
    this.isOpen = false;
  }

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

  it('puts all on a shelf that opens late, so that the next life finds nothing of an older one', async () => {
    const shelf = new MemoryShelf();
    const before = new LocalCursorStore(await open(new MemoryTab(), shelf), KEY);
    before.save({ cursor: { epoch: 'e1', seq: 5 }, shown: ['old'], playing: 'old' });
    await before.settled();
    let isOpen: (shelf: Shelf) => void = () => undefined;
    const opening = new Promise<Shelf>((resolve) => (isOpen = resolve));
    const store = new LocalCursorStore(await openLate(new MemoryTab(), () => opening, Promise.resolve()), KEY);
    store.save({ cursor: { epoch: 'e1', seq: 30 } });
    isOpen(shelf);
    await new Promise((resolve) => setImmediate(resolve));
    await store.settled();
    store.save({ cursor: { epoch: 'e1', seq: 31 }, shown: ['new'] });
    await store.settled();
    // Killed: what localStorage had is gone.
    const next = new LocalCursorStore(await open(new MemoryTab(), shelf), KEY).load();
    expect([next.cursor?.seq, next.shown, next.playing ?? '']).toEqual([31, ['new'], '']);
  });

  it('looks for its shelf anew when that takes nothing any more, and tells it all', async () => {
    const shelves = [new MemoryShelf(), new MemoryShelf()];
    let opened = 0;
    const store = new LocalCursorStore(await openLate(new MemoryTab(), () => Promise.resolve(shelves[opened++] ?? new MemoryShelf())), KEY);
    store.save({ cursor: { epoch: 'e1', seq: 1 }, shown: ['a'] });
    await store.settled();
    const [first, second] = shelves;
    if (first !== undefined) first.failing = true;
    store.save({ cursor: { epoch: 'e1', seq: 2 } });
    await store.settled();
    await new Promise((resolve) => setImmediate(resolve));
    await store.settled();
    expect([opened, first?.isOpen, second?.isOpen]).toEqual([2, false, true]);
    const next = new LocalCursorStore(await open(new MemoryTab(), second ?? new MemoryShelf()), KEY).load();
    expect([next.cursor?.seq, next.shown]).toEqual([2, ['a']]);
  });

  it('finds a shelf that did not open at first, and does not ask for it at every write', async () => {
    const shelf = new MemoryShelf();
    let asked = 0;
    const openShelf = (): Promise<Shelf> => ((asked += 1) < 3 ? Promise.reject(new Error('UnknownError')) : Promise.resolve(shelf));
    const store = new LocalCursorStore(await openLate(new MemoryTab(), openShelf), KEY);
    // A second passes with each look at the clock.
    for (let seq = 1; seq <= 20; seq += 1) {
      store.save({ cursor: { epoch: 'e1', seq } });
      await store.settled();
    }
    expect(asked).toBe(2);
    for (let seq = 21; seq <= 60; seq += 1) {
      store.save({ cursor: { epoch: 'e1', seq }, shown: ['a'] });
      await store.settled();
    }
    expect(asked).toBe(3);
    expect(new LocalCursorStore(await open(new MemoryTab(), shelf), KEY).load()).toEqual({
      cursor: { epoch: 'e1', seq: 60 },
      shown: ['a'],
    });
  });

  it('goes on with what is on the shelf where localStorage has no room left, in the next life too', async () => {
    class FullTab extends MemoryTab {
      override setItem(): void {
        throw new Error('QuotaExceededError');
      }
    }
    const shelf = new MemoryShelf();
    const local = new FullTab();
    for (const seq of [7, 8]) {
      const store = new LocalCursorStore(await open(local, shelf), KEY);
      expect(store.load().cursor?.seq).toBe(seq === 7 ? undefined : 7);
      store.save({ cursor: { epoch: 'e1', seq }, shown: ['a'] });
      await store.settled();
    }
    expect(new LocalCursorStore(await open(local, shelf), KEY).load()).toEqual({ cursor: { epoch: 'e1', seq: 8 }, shown: ['a'] });
  });
});
