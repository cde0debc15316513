/** What an endpoint may do to us, and how often it comes up. `road`: before the node is asked, to its answer, or on the WebSocket. */
export const FAULTS = [
  { name: 'drop', road: 'before', weight: 3 },
  { name: 'delay', road: 'before', weight: 3 },
  { name: 'http-429', road: 'before', weight: 2 },
  { name: 'http-503', road: 'before', weight: 2 },
  { name: 'html', road: 'before', weight: 1 },
  { name: 'throttled', road: 'before', weight: 1 },
  { name: 'truncated', road: 'answer', weight: 2 },
  { name: 'wrong-id', road: 'answer', weight: 1 },
  { name: 'null-block', road: 'answer', weight: 2 },
  { name: 'unknown-hash', road: 'answer', weight: 2 },
  { name: 'stale-head', road: 'answer', weight: 3 },
  { name: 'empty-logs', road: 'answer', weight: 3 },
  { name: 'duplicate-log', road: 'answer', weight: 2 },
  { name: 'foreign-log', road: 'answer', weight: 2 },
  { name: 'range-error', road: 'answer', weight: 1 },
  { name: 'ws-cut', road: 'socket', weight: 2 },
  { name: 'ws-silent', road: 'socket', weight: 2 },
  { name: 'ws-duplicate', road: 'socket', weight: 1 },
  { name: 'ws-reorder', road: 'socket', weight: 2 },
  { name: 'ws-early', road: 'socket', weight: 1 },
  { name: 'ws-refuse', road: 'socket', weight: 1 },
] as const;

export type FaultKind = (typeof FAULTS)[number]['name'];
export type FaultRoad = (typeof FAULTS)[number]['road'];

const ROADS: ReadonlyMap<FaultKind, FaultRoad> = new Map(FAULTS.map(({ name, road }) => [name, road]));

export function roadOf(kind: FaultKind): FaultRoad {
  return ROADS.get(kind) ?? 'before';
}
