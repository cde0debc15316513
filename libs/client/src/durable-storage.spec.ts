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
const open = (local: MemoryTab, shelf: Shelf) => DurableStorage.open(local, () => Promise.resolve(shelf), `droppio:${KEY}:`);

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
    const local = new MemoryTab();
    expect(await open(local, shelf)).toBe(local);
    const shut = () => Promise.reject(new Error('SecurityError'));
    expect(await DurableStorage.open(local, shut, 'droppio:')).toBe(local);
  });
});
