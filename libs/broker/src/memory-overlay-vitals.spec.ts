import { MemoryOverlayVitals } from './memory-overlay-vitals.js';
import { describeOverlayVitals, SHORT_HOLD_MS } from './overlay-vitals.contract.js';

describeOverlayVitals(MemoryOverlayVitals.name, () => {
  const vitals = new MemoryOverlayVitals(SHORT_HOLD_MS);
  return Promise.resolve({ vitals, neighbour: vitals, close: () => vitals.close() });
});
