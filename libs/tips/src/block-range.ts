/** Heights, both ends included. */
export interface BlockRange {
  readonly from: number;
  readonly to: number;
}

/** What of a range none of the others covers, in order. The others may overlap and come in any order. */
export function uncovered({ from, to }: BlockRange, covered: readonly BlockRange[]): readonly BlockRange[] {
  const holes: BlockRange[] = [];
  let next = from;
  for (const part of [...covered].sort((a, b) => a.from - b.from)) {
    if (part.from > to) break;
    if (part.from > next) holes.push({ from: next, to: part.from - 1 });
    next = Math.max(next, part.to + 1);
  }
  if (next <= to) holes.push({ from: next, to });
  return holes;
}

/** Ranges as few as possible that cover the same heights: what overlaps or touches becomes one. */
export function merged(ranges: readonly BlockRange[]): readonly BlockRange[] {
  const whole: BlockRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = whole.at(-1);
    if (last === undefined || range.from > last.to + 1) whole.push(range);
    else whole[whole.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
  }
  return whole;
}

export function blocksIn(ranges: readonly BlockRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + Math.max(0, to - from + 1), 0);
}
