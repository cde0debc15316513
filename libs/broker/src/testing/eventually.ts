import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats a check until it holds; after `ms` its last error is the test's. Machines that run many tests at once are slow. */
export async function eventually<T>(check: () => T | Promise<T>, ms = 10_000): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(5);
    }
  }
}
