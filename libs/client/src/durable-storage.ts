import type { TextStorage } from './cursor-store.js';

/** A second place for a few texts, which outlives the browser's own end. */
export interface Shelf {
  /** All texts whose key begins with this. */
  read(prefix: string): Promise<ReadonlyMap<string, string>>;
  /** All of them or none; resolves when they are on the disk. */
  write(texts: ReadonlyMap<string, string>): Promise<void>;
  /** Another one has taken its place. */
  close(): void;
}

export interface ShelfTerms {
  /** When it ends, a shelf that is not open is done without until it is. */
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
  /** What `local` had no room for: it is on the shelf, and here until this life ends. */
  private readonly beside = new Map<string, string>();
  private writing: Promise<void> | undefined;
  /** All keys that this life has changed. */
  private readonly written = new Set<string>();
  private shelf: Shelf = NO_SHELF;
  private finding: Promise<Found | undefined> | undefined;
  private lookedAt = Number.NEGATIVE_INFINITY;

  private constructor(
    private readonly local: TextStorage,
    private readonly openShelf: () => Promise<Found | undefined>,
    private readonly revision: { readonly key: string; last: number; readonly now: () => number },
  ) {}

  /**
   * `prefix`: of all keys that will be written. A shelf that fails, or is not open in time, is done without until it can be had; what is written
   * then is marked as newer all the same, so that an old shelf is not believed later.
   */
  static async open(local: TextStorage, openShelf: () => Promise<Shelf>, prefix: string, terms: ShelfTerms = {}): Promise<TextStorage> {
    const { patience, now = Date.now } = terms;
    const key = `${prefix}revision`;
    const here = numberOf(local.getItem(key));
    const storage = new DurableStorage(local, () => readAll(openShelf, prefix), { key, last: here, now });
    const finding = storage.find();
    const found = await Promise.race([finding, ...(patience === undefined ? [] : [patience])]);
    if (found !== undefined) storage.begin(found, here);
    else
      void finding.then((late) => {
        storage.take(late);
      });
    return storage;
  }

  getItem(key: string): string | null {
    return this.beside.get(key) ?? this.local.getItem(key);
  }

  setItem(key: string, text: string): void {
    // Of two lives that did not know of each other the later one is newer.
    this.revision.last = Math.max(this.revision.last + 1, this.revision.now());
    this.written.add(key);
    this.dirty.set(key, text).set(this.revision.key, String(this.revision.last));
    this.writing ??= this.write();
    this.keep(key, text);
    this.keep(this.revision.key, String(this.revision.last));
  }

  private begin({ shelf, texts }: Found, here: number): void {
    const { key: revisionKey } = this.revision;
    const there = numberOf(texts.get(revisionKey));
    this.shelf = shelf;
    this.revision.last = Math.max(here, there);
    // The revision last: dying in between has it done once more.
    if (there > here) for (const [key, text] of [...texts].sort(([key]) => (key === revisionKey ? 1 : -1))) this.keep(key, text);
    // What was written without the shelf must not come back from it in pieces.
    if (here > there) for (const key of texts.keys()) this.setItem(key, this.local.getItem(key) ?? '');
  }

  /** A shelf that comes late is told how things stand here: this life has gone on from that, whatever the shelf remembers. */
  private take(late: Found | undefined): void {
    if (late === undefined) return;
    this.shelf.close();
    this.shelf = late.shelf;
    this.revision.last = Math.max(this.revision.last, numberOf(late.texts.get(this.revision.key)));
    for (const key of new Set([...late.texts.keys(), ...this.written]))
      if (key !== this.revision.key) this.setItem(key, this.getItem(key) ?? '');
  }

  /** The shelf takes nothing: browsers close a database when the disk is full, or when somebody clears what they keep. */
  private lose(): void {
    const now = this.revision.now();
    // A full disk may let it be opened and read, and still take nothing.
    if (this.finding !== undefined || now - this.lookedAt < LOOK_AGAIN_MS) return;
    this.lookedAt = now;
    void this.find().then((found) => {
      this.take(found);
    });
  }

  /** Never rejects. */
  private find(): Promise<Found | undefined> {
    this.finding ??= this.openShelf().finally(() => {
      this.finding = undefined;
    });
    return this.finding;
  }

  private keep(key: string, text: string): void {
    try {
      this.local.setItem(key, text);
      this.beside.delete(key);
    } catch {
      this.beside.set(key, text);
    }
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
      await this.shelf.write(texts).catch(() => {
        this.lose();
      });
    }
    this.writing = undefined;
  }
}

const LOOK_AGAIN_MS = 60_000;

interface Found {
  readonly shelf: Shelf;
  readonly texts: ReadonlyMap<string, string>;
}

const NO_SHELF: Shelf = {
  read: () => Promise.resolve(new Map<string, string>()),
  write: () => Promise.reject(new Error('no shelf')),
  close: () => undefined,
};

/** Never rejects. */
async function readAll(openShelf: () => Promise<Shelf>, prefix: string): Promise<Found | undefined> {
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
