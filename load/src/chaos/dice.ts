/** Chance from one integer: the same integer, the same throws (mulberry32). */
export class Dice {
  private state: number;

  constructor(readonly seed: number) {
    this.state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Uniform, both ends included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(list: readonly T[]): T {
    const found = list[this.int(0, list.length - 1)];
    if (found === undefined) throw new RangeError('nothing to pick from');
    return found;
  }

  /** By weight; a weight of 0 never comes. */
  weighted<T>(weights: readonly (readonly [T, number])[]): T {
    let at = this.next() * weights.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [value, weight] of weights) {
      at -= weight;
      if (at < 0) return value;
    }
    return this.pick(weights.filter(([, weight]) => weight > 0).map(([value]) => value));
  }

  shuffled<T>(list: readonly T[]): T[] {
    const out = [...list];
    for (let i = out.length - 1; i > 0; i -= 1) {
      const j = this.int(0, i);
      const [a, b] = [out[i], out[j]];
      if (a === undefined || b === undefined) break;
      [out[i], out[j]] = [b, a];
    }
    return out;
  }

  /** A source of its own, so that what happens here moves nothing there. */
  fork(salt: number): Dice {
    return new Dice((Math.imul(this.seed, 0x01000193) ^ Math.imul(salt + 1, 0x9e3779b1)) | 0);
  }
}
