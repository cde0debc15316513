import { MemoryRelayQueue } from './memory-relay-queue.js';
import { unregisteredMetrics } from './metrics.js';
import { describeRelayQueue } from './relay-queue.contract.js';

describeRelayQueue(MemoryRelayQueue.name, () => {
  const queues: MemoryRelayQueue[] = [];
  return {
    open(settings, presence) {
      const queue = new MemoryRelayQueue(unregisteredMetrics().queue, settings, presence);
      queues.push(queue);
      return queue;
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
});
