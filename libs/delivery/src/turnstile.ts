/** Lets so many through at a time, the others wait in line: when thousands of channels heal at once, the feed sees a queue and no herd. */
export class Turnstile {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly places: number) {}

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.inside >= this.places) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.inside += 1;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      // The place is handed over, not given back, so that nobody can slip in between.
      if (next === undefined) this.inside -= 1;
      else next();
    }
  }
}
