import type { FeedPosition } from '@droppio/tips';

/** What one overlay instance remembers: where it is in the stream, and which alerts it has begun to show. */
export interface Bookmark {
  readonly cursor?: FeedPosition;
  /** Ids of alerts, oldest first. */
  readonly shown: readonly string[];
  /** What the creator last told this page by command. */
  readonly paused?: boolean;
  readonly muted?: boolean;
}

/** What is not named stays as it is. */
export type BookmarkChange = Partial<Bookmark>;

/**
 * Survives a reload of the page. `save` is done when it returns, because an alert starts right after it. Never throws: without storage a
 * reload starts at the head. One instance writes at a time (see `claimInstance`). Implementations: `MemoryCursorStore`, `LocalCursorStore`.
 */
export abstract class CursorStore {
  abstract load(): Bookmark;
  abstract save(change: BookmarkChange): void;
}

export class MemoryCursorStore extends CursorStore {
  private bookmark: Bookmark = { shown: [] };

  override load(): Bookmark {
    return this.bookmark;
  }

  override save(change: BookmarkChange): void {
    this.bookmark = { ...this.bookmark, ...change };
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

  constructor(
    private readonly storage: TextStorage,
    private readonly instance: string,
    /** Where to begin when this instance has never been here: at the place of another one of the same overlay. */
    private readonly heir?: string,
  ) {
    super();
  }

  override load(): Bookmark {
    const own = this.read(this.instance);
    this.memory.save(own.cursor === undefined && this.heir !== undefined ? this.read(this.heir) : own);
    return this.memory.load();
  }

  override save(change: BookmarkChange): void {
    this.memory.save(change);
    const { cursor, shown, paused, muted } = this.memory.load();
    // The ids first: dying between the two writes replays an event whose id is known, and so shows nothing twice.
    if (change.shown !== undefined) this.write('shown', shown.join('\n'));
    if (change.paused !== undefined || change.muted !== undefined)
      this.write('switches', [paused === true ? 'paused' : '', muted === true ? 'muted' : ''].join(' '));
    if (change.cursor !== undefined && cursor !== undefined) this.write('cursor', `${cursor.epoch} ${String(cursor.seq)}`);
  }

  private read(instance: string): Bookmark {
    try {
      const text = (field: Field): string => this.storage.getItem(keyOf(instance, field)) ?? '';
      const [, epoch, seq] = /^(\S{1,32}) (\d{1,15})$/.exec(text('cursor')) ?? [];
      const switches = text('switches').split(' ');
      return {
        ...(epoch !== undefined && { cursor: { epoch, seq: Number(seq) } }),
        shown: text('shown')
          .split('\n')
          .filter((id) => id !== ''),
        ...(switches.includes('paused') && { paused: true }),
        ...(switches.includes('muted') && { muted: true }),
      };
    } catch {
      return { shown: [] };
    }
  }

  private write(field: Field, text: string): void {
    try {
      this.storage.setItem(keyOf(this.instance, field), text);
    } catch {
      // Full or forbidden: the memory copy still keeps this page right until its next reload.
    }
  }
}

type Field = 'cursor' | 'shown' | 'switches';
const keyOf = (instance: string, field: Field): string => `droppio:${instance}:${field}`;
