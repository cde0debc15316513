import type { AlertLine } from './alert-line.js';
import type { CursorStore } from './cursor-store.js';
import { isToBeJudged, type Entry } from './entry.js';
import { IdMemory } from './id-memory.js';

/** Alerts that this page has begun to show, or never will: none of them is news again. */
export class ShownAlerts {
  private readonly ids: IdMemory;

  constructor(
    private readonly store: CursorStore,
    /** Ids that other pages of this overlay have begun to show. */
    private readonly elsewhere: () => readonly string[],
    shown: readonly string[],
  ) {
    this.ids = new IdMemory(shown);
  }

  get list(): readonly string[] {
    return this.ids.list;
  }

  has(id: string): boolean {
    return this.ids.has(id);
  }

  /** Whether this page, or another one of the overlay, has dealt with an alert. */
  anywhere(): (id: string) => boolean {
    const elsewhere = new Set(this.elsewhere());
    return (id) => this.ids.has(id) || elsewhere.has(id);
  }

  /** Whoever takes an alert writes this down, with the alert, in one piece. */
  add(ids: readonly string[]): void {
    this.ids.add(ids);
  }

  /** These will not be shown here. */
  remember(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.ids.add(ids);
    this.store.save({ shown: this.ids.list });
  }

  /** While this page was away or out of sight another one of the overlay stood in for it: what that has shown waits here no longer. */
  leaveOut(line: AlertLine, isMeant: (entry: Entry) => boolean = isToBeJudged): void {
    const ids = new Set(line.entries.filter(isMeant).flatMap(({ members }) => members.map(({ id }) => id)));
    if (ids.size === 0) return;
    const seen = this.elsewhere().filter((id) => ids.has(id));
    for (const id of seen) line.changeMember(id, () => undefined);
    this.remember(seen);
  }
}
