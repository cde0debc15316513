import { LockTable, MemoryLeaderLock } from '@droppio/tips/testing';
import { describeLeaderLock } from './leader-lock.contract.js';

describeLeaderLock('memory', () => {
  const table = new LockTable();
  return Promise.resolve({
    join: () => new MemoryLeaderLock(table),
    cut: (lock) => {
      if (lock instanceof MemoryLeaderLock) lock.lose();
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
});
