import { describe, expect, it } from 'vitest';
import { SingleFlight } from './single-flight.js';

function aTask(): { work: () => Promise<void>; runs: () => number; finish: (error?: Error) => void } {
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  let runs = 0;
  return {
    runs: () => runs,
    work: () => {
      runs += 1;
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    finish(error) {
      const next = waiting.shift();
      if (error === undefined) next?.resolve();
      else next?.reject(error);
    },
  };
}

describe(SingleFlight.name, () => {
  it('runs once more, however often it was asked while it ran, and settles each caller with a run that began after the call', async () => {
    const [flight, task] = [new SingleFlight(), aTask()];
    const settled: string[] = [];
    const first = flight.run('a', task.work).then(() => settled.push('first'));
    const later = [1, 2, 3].map(() => flight.run('a', task.work).then(() => settled.push('later')));
    expect(task.runs()).toBe(1);
    task.finish();
    await first;
    expect(settled).toEqual(['first']);
    expect(task.runs()).toBe(2);
    task.finish();
    await Promise.all(later);
    expect(task.runs()).toBe(2);
  });

  it('runs again after a failure, and fails only those whose run failed', async () => {
    const [flight, task] = [new SingleFlight(), aTask()];
    const first = flight.run('a', task.work);
    const second = flight.run('a', task.work);
    task.finish(new Error('no'));
    await expect(first).rejects.toThrow('no');
    task.finish();
    await expect(second).resolves.toBeUndefined();
    const third = flight.run('a', task.work);
    task.finish();
    await third;
    expect(task.runs()).toBe(3);
  });

  it('keeps keys apart', () => {
    const [flight, task] = [new SingleFlight(), aTask()];
    void flight.run('a', task.work);
    void flight.run('b', task.work);
    expect(task.runs()).toBe(2);
  });
});
