/** Counts of what really happened, by name. */
export class Tally {
  private readonly counts = new Map<string, number>();

  add(name: string, by = 1): void {
    this.counts.set(name, this.of(name) + by);
  }

  of(name: string): number {
    return this.counts.get(name) ?? 0;
  }

  /** Sum of all whose name starts so. */
  all(prefix: string): number {
    return this.list(prefix).reduce((sum, [, count]) => sum + count, 0);
  }

  /** By name, those that start so, without the prefix. */
  list(prefix: string): readonly (readonly [string, number])[] {
    return [...this.counts]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, count]) => [name.slice(prefix.length), count] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  merge(other: Tally): void {
    for (const [name, count] of other.counts)
      if (isMost(name)) this.most(name, count);
      else this.add(name, count);
  }

  most(name: string, value: number): void {
    this.counts.set(name, Math.max(value, this.of(name)));
  }
}

/** Names of greatest values, which do not add up. */
const isMost = (name: string): boolean => name === 'chain:deepest' || name.startsWith('slowest');
