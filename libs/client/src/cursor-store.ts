import type { FeedPosition } from '@droppio/tips';

/** What one overlay instance remembers: where it is in the stream, and which alerts it has begun to show. */
export interface Bookmark {
  readonly cursor?: FeedPosition;
  /** Events up to this seq (of the cursor's epoch) have come to this instance; those after the cursor still waited for their turn. */
  readonly received?: number;
  /** When this instance was last seen, Unix milliseconds; written down while something waits. */
  readonly seenAt?: number;
  /** Ids of alerts, oldest first. */
  readonly shown: readonly string[];
  /** The alert that was handed out last, as `showing.ts` writes it; goes with `shown` in one piece. Empty: none. */
  readonly playing?: string;
  /** How far that one has come. */
  readonly progress?: string;
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

  /** Resolves when what was saved outlives the whole browser, not only the page, or when that cannot be had. Never rejects. */
  settled(): Promise<void> {
    return Promise.resolve();
  }
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
  /** See `CursorStore.settled`. */
  settled?(): Promise<void>;
}

/** `instance` comes from `instanceKey`: it names an overlay and one of its pages without telling the token. */
export class LocalCursorStore extends CursorStore {
  private readonly memory = new MemoryCursorStore();

  constructor(
    private readonly storage: TextStorage,
    private readonly instance: string,
    /** Where to begin when this instance has never been here: at the place of another one of the same overlay. */
    private readonly heir?: string,
    /** How far the other instances are. */
    private readonly others: () => readonly FeedPosition[] = () => [],
  ) {
    super();
  }

  override load(): Bookmark {
    const own = this.read(this.instance);
    this.memory.save(own.cursor === undefined && this.heir !== undefined ? legacyOf(this.read(this.heir)) : this.caughtUp(own));
    return this.memory.load();
  }

  /** What others have dealt with while this one was away was not missed by viewers. What waited in its own line still does. */
  private caughtUp(own: Bookmark): Bookmark {
    const { cursor, received = cursor?.seq } = own;
    if (cursor === undefined || received !== cursor.seq) return own;
    const seq = Math.max(cursor.seq, ...this.others().flatMap((other) => (other.epoch === cursor.epoch ? [other.seq] : [])));
    return seq === cursor.seq ? own : { ...own, cursor: { epoch: cursor.epoch, seq }, received: seq };
  }

  override save(change: BookmarkChange): void {
    this.memory.save(change);
    const { cursor, received, seenAt, shown, playing = '', progress, paused, muted } = this.memory.load();
    // The ids first: dying between the two writes replays an event whose id is known, and so shows nothing twice.
    if (change.shown !== undefined || change.playing !== undefined)
      this.write('shown', (playing === '' ? shown : [...shown, PLAYING + playing]).join('\n'));
    if (change.progress !== undefined && progress !== undefined) this.write('progress', progress);
    if (change.paused !== undefined || change.muted !== undefined)
      this.write('switches', [paused === true ? 'paused' : '', muted === true ? 'muted' : ''].join(' '));
    if (change.seenAt !== undefined) this.write('seen', String(seenAt));
    if (change.cursor === undefined || cursor === undefined) return;
    this.write('cursor', [cursor.epoch, cursor.seq, ...(received === undefined ? [] : [received])].join(' '));
  }

  override settled(): Promise<void> {
    return this.storage.settled?.() ?? Promise.resolve();
  }

  private read(instance: string): Bookmark {
    try {
      const text = (field: Field): string => this.storage.getItem(keyOf(instance, field)) ?? '';
      const switches = text('switches').split(' ');
      const lines = text('shown').split('\n');
      const playing = lines.find((line) => line.startsWith(PLAYING));
      return {
        ...readCursor(text('cursor')),
        shown: lines.filter((line) => line !== '' && line !== playing),
        ...(playing !== undefined && { playing: playing.slice(PLAYING.length) }),
        ...(/^\d{1,15}$/.test(text('seen')) && { seenAt: Number(text('seen')) }),
        ...(text('progress') !== '' && { progress: text('progress') }),
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

/** Where another one is and what it has shown; what it is showing now, and has yet to show, is its own. */
function legacyOf({ cursor, shown }: Bookmark): Bookmark {
  return { shown, ...(cursor && { cursor }) };
}

/** What is used of `localStorage` to look at what other pages have written. */
export type SharedStorage = TextStorage & { readonly length: number; key(at: number): string | null };

/** What the other instances of an overlay have begun to show. `own` is this one's `instanceKey`. */
export function shownByOthers(storage: SharedStorage, own: string): string[] {
  return textsOfOthers(storage, own, 'shown').flatMap((text) =>
    text.split('\n').filter((line) => line !== '' && !line.startsWith(PLAYING)),
  );
}

/** How far the other instances of an overlay are: up to there they have shown everything, or need not. */
export function cursorsOfOthers(storage: SharedStorage, own: string): FeedPosition[] {
  return textsOfOthers(storage, own, 'cursor').flatMap((text) => readCursor(text)?.cursor ?? []);
}

function textsOfOthers(storage: SharedStorage, own: string, field: Field): string[] {
  const [print = ''] = own.split(':', 1);
  try {
    return Array.from({ length: storage.length }, (_, at) => storage.key(at) ?? '')
      .filter((key) => key.startsWith(`droppio:${print}:`) && key.endsWith(`:${field}`) && key !== keyOf(own, field))
      .map((key) => storage.getItem(key) ?? '');
  } catch {
    return [];
  }
}

function readCursor(text: string): (Pick<Bookmark, 'received'> & { readonly cursor: FeedPosition }) | undefined {
  const [, epoch, seq, received] = /^(\S{1,32}) (\d{1,15})(?: (\d{1,15}))?$/.exec(text) ?? [];
  if (epoch === undefined) return undefined;
  return { cursor: { epoch, seq: Number(seq) }, ...(received !== undefined && { received: Number(received) }) };
}

type Field = 'cursor' | 'seen' | 'shown' | 'progress' | 'switches';
/** No id begins like this. */
const PLAYING = '> ';
const keyOf = (instance: string, field: Field): string => `droppio:${instance}:${field}`;
