import { describeBackfillQueue } from './backfill-queue.contract.js';
import { MemoryBackfillQueue } from './memory-backfill-queue.js';

describeBackfillQueue(MemoryBackfillQueue.name, () => {
  const queues: MemoryBackfillQueue[] = [];
  return {
    open(settings) {
      const queue = new MemoryBackfillQueue(settings);
      queues.push(queue);
      return queue;
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
});
