import type { TextStorage } from './cursor-store.js';

/** A second place for a few texts, which outlives the browser's own end. */
export interface Shelf {
  /** All texts whose key begins with this. */
  read(prefix: string): Promise<ReadonlyMap<string, string>>;
  /** All of them or none; resolves when they are on the disk. */
  write(texts: ReadonlyMap<string, string>): Promise<void>;
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
    private readonly revisionKey: string,
    private revision: number,
  ) {}

  /** `prefix`: of all keys that will be written. A shelf that fails is done without. */
  static async open(local: TextStorage, openShelf: () => Promise<Shelf>, prefix: string): Promise<TextStorage> {
    const revisionKey = `${prefix}revision`;
    try {
      const shelf = await openShelf();
      const texts = await shelf.read(prefix);
      const [here, there] = [local.getItem(revisionKey), texts.get(revisionKey)].map(numberOf);
      // The revision last: dying in between has it done once more.
      if ((there ?? 0) > (here ?? 0))
        for (const [key, text] of [...texts].sort(([key]) => (key === revisionKey ? 1 : -1))) local.setItem(key, text);
      return new DurableStorage(local, shelf, revisionKey, Math.max(here ?? 0, there ?? 0));
    } catch {
      return local;
    }
  }

  getItem(key: string): string | null {
    return this.local.getItem(key);
  }

  setItem(key: string, text: string): void {
    this.revision += 1;
    this.dirty.set(key, text).set(this.revisionKey, String(this.revision));
    this.writing ??= this.write();
    this.local.setItem(key, text);
    this.local.setItem(this.revisionKey, String(this.revision));
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

function numberOf(text: string | null | undefined): number {
  return /^\d{1,15}$/.test(text ?? '') ? Number(text) : 0;
}
