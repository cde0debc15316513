import { AFTER, MARK_PUBLISHED } from './event-log.js';
import { COMMIT_BLOCK, COMMIT_EMPTY_BLOCK } from './tip-statements.js';

/*
 * Planning COMMIT_BLOCK costs more than running it. As a named statement it is planned once a connection, and Postgres keeps a generic
 * plan after a few runs. Only for texts that never vary: each name stays on each connection for its life.
 */
const NAMES: ReadonlyMap<string, string> = new Map([
  [COMMIT_BLOCK, 'commit_block'],
  [COMMIT_EMPTY_BLOCK, 'commit_empty_block'],
  [AFTER, 'events_after'],
  [MARK_PUBLISHED, 'mark_published'],
]);

export const PLANNED_ONCE = [...NAMES.keys()];

export function planName(statement: string): string | undefined {
  return NAMES.get(statement);
}
