import type { Shelf } from './durable-storage.js';

const STORE = 'texts';

/** In IndexedDB, which is told to wait for the disk. Works on plain http too. */
export class IndexedDbShelf implements Shelf {
  private constructor(private readonly db: IDBDatabase) {
    // Whoever wants to remove it need not wait for this page; what is written from then on fails, so that it is opened anew.
    db.onversionchange = () => {
      db.close();
    };
  }

  static async open(factory: IDBFactory, name: string): Promise<IndexedDbShelf> {
    const opening = factory.open(name, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore(STORE);
    };
    return new IndexedDbShelf(await answerOf(opening));
  }

  async read(prefix: string): Promise<ReadonlyMap<string, string>> {
    const store = this.db.transaction(STORE).objectStore(STORE);
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    const [keys, values] = await Promise.all([answerOf(store.getAllKeys(range)), answerOf<unknown[]>(store.getAll(range))]);
    const texts = new Map<string, string>();
    for (const [at, key] of keys.entries()) {
      const text = values[at];
      if (typeof key === 'string' && typeof text === 'string') texts.set(key, text);
    }
    return texts;
  }

  write(texts: ReadonlyMap<string, string>): Promise<void> {
    return new Promise((resolve, reject) => {
      const transaction = this.db.transaction(STORE, 'readwrite', { durability: 'strict' });
      const store = transaction.objectStore(STORE);
      for (const [key, text] of texts) store.put(text, key);
      transaction.oncomplete = () => {
        resolve();
      };
      transaction.onabort = () => {
        reject(new Error('not written', { cause: transaction.error }));
      };
      transaction.commit();
    });
  }

  close(): void {
    this.db.close();
  }
}

function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(new Error('no answer', { cause: request.error }));
    };
  });
}
