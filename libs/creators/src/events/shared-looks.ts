/**
 * One look per key at a time, for all who ask. Whoever asks while one is under way shares the next with the others who do: a look is as old as its
 * beginning, and may have missed what he was called for.
 */
export class SharedLooks<T> {
  private readonly running = new Map<string, Promise<T>>();
  private readonly next = new Map<string, Promise<T>>();

  run(key: string, look: () => Promise<T>): Promise<T> {
    const queued = this.next.get(key);
    if (queued !== undefined) return queued;
    const running = this.running.get(key);
    if (running === undefined) return this.start(key, look);
    const begin = (): Promise<T> => {
      this.next.delete(key);
      return this.start(key, look);
    };
    const next = running.then(begin, begin);
    this.next.set(key, next);
    return next;
  }

  private start(key: string, look: () => Promise<T>): Promise<T> {
    const running = look().finally(() => {
      if (this.running.get(key) === running) this.running.delete(key);
    });
    this.running.set(key, running);
    return running;
  }
}
