import { MemoryPresence } from './memory-presence.js';
import { describePresence, SHORT_TTL_MS } from './presence.contract.js';

describePresence(MemoryPresence.name, () => {
  const presence = new MemoryPresence(SHORT_TTL_MS);
  return Promise.resolve({ presence, neighbour: presence, close: () => presence.close() });
});
