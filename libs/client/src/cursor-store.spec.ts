import { describe, expect, it } from 'vitest';
import { cursorsOfOthers, LocalCursorStore, MemoryCursorStore, type CursorStore, type TextStorage } from './cursor-store.js';

class MapStorage implements TextStorage {
  readonly map = new Map<string, string>();
  readonly order: string[] = [];

  getItem(key: string): string | null {
    return this.map.get(key) ?? null;
  }

  setItem(key: string, text: string): void {
    this.order.push(key);
    this.map.set(key, text);
  }
}

const makers: [string, () => { store: CursorStore; reopen: () => CursorStore }][] = [
  [
    MemoryCursorStore.name,
    () => {
      const store = new MemoryCursorStore();
      return { store, reopen: () => store };
    },
  ],
  [
    LocalCursorStore.name,
    () => {
      const storage = new MapStorage();
      return { store: new LocalCursorStore(storage, 'k:0'), reopen: () => new LocalCursorStore(storage, 'k:0') };
    },
  ],
];

describe.each(makers)('%s', (_name, make) => {
  it('knows nothing at first', () => {
    expect(make().store.load()).toEqual({ shown: [] });
  });

  it('gives back what was saved, to the next page too', () => {
    const { store, reopen } = make();
    store.save({ cursor: { epoch: 'e1', seq: 7 }, shown: ['a', 'b'] });
    store.save({ cursor: { epoch: 'e1', seq: 8 } });
    expect(reopen().load()).toEqual({ cursor: { epoch: 'e1', seq: 8 }, shown: ['a', 'b'] });
  });
});

describe.each(makers)('%s: switches', (_name, make) => {
  it('remembers them without touching the rest', () => {
    const { store, reopen } = make();
    store.save({ cursor: { epoch: 'e1', seq: 7 }, shown: ['a'] });
    store.save({ paused: true, muted: true });
    store.save({ muted: false });
    const { paused, muted = false, ...rest } = reopen().load();
    expect([paused, muted, rest]).toEqual([true, false, { cursor: { epoch: 'e1', seq: 7 }, shown: ['a'] }]);
  });
});

describe(LocalCursorStore.name, () => {
  it('keeps two instances apart', () => {
    const storage = new MapStorage();
    new LocalCursorStore(storage, 'k:0').save({ cursor: { epoch: 'e1', seq: 7 }, shown: ['a'] });
    expect(new LocalCursorStore(storage, 'k:1').load()).toEqual({ shown: [] });
  });

  it('lets a new instance begin where another one is', () => {
    const storage = new MapStorage();
    new LocalCursorStore(storage, 'k:0').save({ cursor: { epoch: 'e1', seq: 7 }, shown: ['a'] });
    const second = new LocalCursorStore(storage, 'k:1', 'k:0');
    expect(second.load()).toEqual({ cursor: { epoch: 'e1', seq: 7 }, shown: ['a'] });
    second.save({ cursor: { epoch: 'e1', seq: 9 } });
    expect(new LocalCursorStore(storage, 'k:0').load().cursor?.seq).toBe(7);
  });

  it('writes the ids before the cursor', () => {
    const storage = new MapStorage();
    new LocalCursorStore(storage, 'k:0').save({ cursor: { epoch: 'e1', seq: 7 }, shown: ['a'] });
    expect(storage.order).toEqual(['droppio:k:0:shown', 'droppio:k:0:cursor']);
  });

  it('goes on without a storage that is full, forbidden or holds rubbish', () => {
    const broken: TextStorage = {
      getItem: () => {
        throw new Error('SecurityError');
      },
      setItem: () => {
        throw new Error('QuotaExceededError');
      },
    };
    const store = new LocalCursorStore(broken, 'k:0');
    expect(store.load()).toEqual({ shown: [] });
    store.save({ cursor: { epoch: 'e1', seq: 7 }, shown: ['a'] });
    expect(store.load().cursor?.seq).toBe(7);

    const rubbish = new MapStorage();
    rubbish.map.set('droppio:k:0:cursor', '{"epoch":');
    expect(new LocalCursorStore(rubbish, 'k:0').load()).toEqual({ shown: [] });
  });
});

describe(`${LocalCursorStore.name}: beside others`, () => {
  class SharedMap extends MapStorage {
    get length(): number {
      return this.map.size;
    }

    key(at: number): string | null {
      return [...this.map.keys()][at] ?? null;
    }
  }

  function aSource(storage: SharedMap, key: string): LocalCursorStore {
    return new LocalCursorStore(storage, key, undefined, () => cursorsOfOthers(storage, key));
  }

  it('begins where another page is that went on while this one was away, by the same numbers', () => {
    const storage = new SharedMap();
    const [own, other] = [aSource(storage, 'k:0'), aSource(storage, 'k:1')];
    own.save({ cursor: { epoch: 'e1', seq: 5 }, received: 5, shown: ['a'] });
    other.save({ cursor: { epoch: 'e1', seq: 9 }, received: 12 });
    aSource(storage, 'k:2').save({ cursor: { epoch: 'e0', seq: 700 } });
    aSource(storage, 'other:0').save({ cursor: { epoch: 'e1', seq: 800 } });
    expect(aSource(storage, 'k:0').load()).toEqual({ cursor: { epoch: 'e1', seq: 9 }, received: 9, shown: ['a'] });
    expect(aSource(storage, 'k:1').load()).toMatchObject({ cursor: { epoch: 'e1', seq: 9 }, received: 12 });
  });

  it('keeps what waited in its own line', () => {
    const storage = new SharedMap();
    aSource(storage, 'k:0').save({ cursor: { epoch: 'e1', seq: 3 }, received: 5 });
    aSource(storage, 'k:1').save({ cursor: { epoch: 'e1', seq: 9 } });
    expect(aSource(storage, 'k:0').load().cursor?.seq).toBe(3);
  });
});
