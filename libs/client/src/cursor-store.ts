import type { FeedPosition } from '@droppio/tips';

/** What one overlay instance remembers: where it is in the stream, and which alerts it has begun to show. */
export interface Bookmark {
  readonly cursor?: FeedPosition;
  /** Ids of alerts, oldest first. */
  readonly shown: readonly string[];
}

/**
 * Survives a reload of the page. `save` is done when it returns, because an alert starts right after it. Never throws: without storage a
 * reload starts at the head. One instance writes at a time (see `claimInstance`). Implementations: `MemoryCursorStore`, `LocalCursorStore`.
 */
export abstract class CursorStore {
  abstract load(): Bookmark;
  /** Without `shown` the ids stay as they are. */
  abstract save(change: { readonly cursor: FeedPosition; readonly shown?: readonly string[] }): void;
}

export class MemoryCursorStore extends CursorStore {
  private bookmark: Bookmark = { shown: [] };

  override load(): Bookmark {
    return this.bookmark;
  }

  override save({ cursor, shown }: { cursor: FeedPosition; shown?: readonly string[] }): void {
    this.bookmark = { cursor, shown: shown === undefined ? this.bookmark.shown : [...shown] };
  }
}

/** What is used of `localStorage`. */
export interface TextStorage {
  getItem(key: string): string | null;
  setItem(key: string, text: string): void;
}

/** `instance` comes from `instanceKey`: it names an overlay and one of its pages without telling the token. */
export class LocalCursorStore extends CursorStore {
  private readonly memory = new MemoryCursorStore();
  private readonly cursorKey: string;
  private readonly shownKey: string;

  constructor(
    private readonly storage: TextStorage,
    instance: string,
    /** Where to begin when this instance has never been here: at the place of another one of the same overlay. */
    private readonly heir?: string,
  ) {
    super();
    this.cursorKey = cursorKey(instance);
    this.shownKey = shownKey(instance);
  }

  override load(): Bookmark {
    const own = this.read(this.cursorKey, this.shownKey);
    const bookmark = own.cursor === undefined && this.heir !== undefined ? this.read(cursorKey(this.heir), shownKey(this.heir)) : own;
    if (bookmark.cursor !== undefined) this.memory.save({ cursor: bookmark.cursor, shown: bookmark.shown });
    return this.memory.load();
  }

  override save(change: { cursor: FeedPosition; shown?: readonly string[] }): void {
    this.memory.save(change);
    // The ids first: dying between the two writes replays an event whose id is known, and so shows nothing twice.
    if (change.shown !== undefined) this.write(this.shownKey, change.shown.join('\n'));
    this.write(this.cursorKey, `${change.cursor.epoch} ${String(change.cursor.seq)}`);
  }

  private read(cursorAt: string, shownAt: string): Bookmark {
    try {
      const [, epoch, seq] = /^(\S{1,32}) (\d{1,15})$/.exec(this.storage.getItem(cursorAt) ?? '') ?? [];
      const shown = (this.storage.getItem(shownAt) ?? '').split('\n').filter((id) => id !== '');
      return epoch === undefined ? { shown } : { cursor: { epoch, seq: Number(seq) }, shown };
    } catch {
      return { shown: [] };
    }
  }

  private write(key: string, text: string): void {
    try {
      this.storage.setItem(key, text);
    } catch {
      // Full or forbidden: the memory copy still keeps this page right until its next reload.
    }
  }
}

const cursorKey = (instance: string): string => `droppio:${instance}:cursor`;
const shownKey = (instance: string): string => `droppio:${instance}:shown`;
