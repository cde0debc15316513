import { backlog, leak, rowMismatch, totalMismatch } from './books.js';
import type { Anomaly, AnomalyKind, History } from './history.js';
import { altered, crossTenant, duplicate, lost, misordered, phantom, unrecovered } from './screens.js';
import { lateRetract, seqDisagrees, silentGap, staleReorged, wrongRetract } from './streams.js';

/** One for each kind; each looks at the whole history and at nothing else. */
const CHECKS: Readonly<Record<AnomalyKind, (history: History) => Anomaly[]>> = {
  lost,
  duplicate,
  misordered,
  phantom,
  altered,
  'cross-tenant': crossTenant,
  'seq-disagrees': seqDisagrees,
  'stale-reorged': staleReorged,
  'wrong-retract': wrongRetract,
  'silent-gap': silentGap,
  'late-retract': lateRetract,
  'total-mismatch': totalMismatch,
  unrecovered,
  leak,
  'row-mismatch': rowMismatch,
  backlog,
};

export const anomaliesIn = (history: History): Anomaly[] => Object.values(CHECKS).flatMap((check) => check(history));
