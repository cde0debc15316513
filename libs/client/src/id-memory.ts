/** Ids remembered to recognise a tip that returns by another way (renumbered stream, reorg). Order and cursor do the rest. */
const IDS_MAX = 1000;

/** The newest ids, oldest first. */
export class IdMemory {
  private readonly ids: Set<string>;

  constructor(ids: readonly string[]) {
    this.ids = new Set(ids);
  }

  get list(): readonly string[] {
    return [...this.ids];
  }

  has(id: string): boolean {
    return this.ids.has(id);
  }

  add(ids: readonly string[]): void {
    for (const id of ids) {
      this.ids.delete(id);
      this.ids.add(id);
    }
    for (const oldest of this.ids) {
      if (this.ids.size <= IDS_MAX) break;
      this.ids.delete(oldest);
    }
  }
}
