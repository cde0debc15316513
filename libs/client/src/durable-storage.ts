import type { TextStorage } from './cursor-store.js';

/** A second place for a few texts, which outlives the browser's own end. */
export interface Shelf {
  /** All texts whose key begins with this. */
  read(prefix: string): Promise<ReadonlyMap<string, string>>;
  /** All of them or none; resolves when they are on the disk. */
  write(texts: ReadonlyMap<string, string>): Promise<void>;
}

export interface ShelfTerms {
  /** When it ends, a shelf that is not open is done without. */
  readonly patience?: Promise<void>;
  /** The wall's clock. */
  readonly now?: () => number;
}

/**
 * Browsers write `localStorage` to the disk up to a minute later: OBS that crashes, or a computer that loses power, would have an overlay show
 * the alerts of that minute again. So every change is also put on a shelf, and where the shelf knows more than `localStorage` it is believed.
 */
export class DurableStorage implements TextStorage {
  private dirty = new Map<string, string>();
  private writing: Promise<void> | undefined;

  private constructor(
    private readonly local: TextStorage,
    private readonly shelf: Shelf,
    private readonly revision: { readonly key: string; last: number; readonly now: () => number },
  ) {}

  /**
   * `prefix`: of all keys that will be written. A shelf that fails, or is not open in time, is done without; what is written
   * then is marked as newer all the same, so that an old shelf is not believed later.
   */
  static async open(local: TextStorage, openShelf: () => Promise<Shelf>, prefix: string, terms: ShelfTerms = {}): Promise<TextStorage> {
    const { patience, now = Date.now } = terms;
    const revisionKey = `${prefix}revision`;
    const found = await Promise.race([readAll(openShelf, prefix), ...(patience === undefined ? [] : [patience])]);
    const here = numberOf(local.getItem(revisionKey));
    if (found === undefined) return new DurableStorage(local, NO_SHELF, { key: revisionKey, last: here, now });
    const { shelf, texts } = found;
    const there = numberOf(texts.get(revisionKey));
    const storage = new DurableStorage(local, shelf, { key: revisionKey, last: Math.max(here, there), now });
    // The revision last: dying in between has it done once more.
    if (there > here) for (const [key, text] of [...texts].sort(([key]) => (key === revisionKey ? 1 : -1))) local.setItem(key, text);
    // What was written without the shelf must not come back from it in pieces.
    if (here > there) for (const key of texts.keys()) storage.setItem(key, local.getItem(key) ?? '');
    return storage;
  }

  getItem(key: string): string | null {
    return this.local.getItem(key);
  }

  setItem(key: string, text: string): void {
    // Of two lives that did not know of each other the later one is newer.
    this.revision.last = Math.max(this.revision.last + 1, this.revision.now());
    this.dirty.set(key, text).set(this.revision.key, String(this.revision.last));
    this.writing ??= this.write();
    this.local.setItem(key, text);
    this.local.setItem(this.revision.key, String(this.revision.last));
  }

  /** Never rejects: what could not be written is as safe as `localStorage` is. */
  async settled(): Promise<void> {
    await this.writing;
  }

  private async write(): Promise<void> {
    // What is said in one breath is written in one piece.
    await Promise.resolve();
    while (this.dirty.size > 0) {
      const texts = this.dirty;
      this.dirty = new Map();
      await this.shelf.write(texts).catch(() => undefined);
    }
    this.writing = undefined;
  }
}

const NO_SHELF: Shelf = {
  read: () => Promise.resolve(new Map<string, string>()),
  write: () => Promise.resolve(),
};

/** Never rejects. */
async function readAll(openShelf: () => Promise<Shelf>, prefix: string) {
  try {
    const shelf = await openShelf();
    return { shelf, texts: await shelf.read(prefix) };
  } catch {
    return undefined;
  }
}

function numberOf(text: string | null | undefined): number {
  return /^\d{1,15}$/.test(text ?? '') ? Number(text) : 0;
}
