import { MemoryWebhookQueue } from './memory-webhook-queue.js';
import { unregisteredMetrics } from './metrics.js';
import { describeWebhookQueue } from './webhook-queue.contract.js';

describeWebhookQueue(MemoryWebhookQueue.name, () => {
  const queues: MemoryWebhookQueue[] = [];
  return {
    open(settings) {
      const queue = new MemoryWebhookQueue(unregisteredMetrics().queue, settings);
      queues.push(queue);
      return queue;
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
});
