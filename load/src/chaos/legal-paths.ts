import type { LedgerEvent } from './oracle-ledger.js';

const STANDING = ['confirmed', 'safe', 'finalized'] as const;
export const isStanding = (state: string): boolean => (STANDING as readonly string[]).includes(state);

/** The arrows of the design, with what may come in one step (`confirmed → finalized`), and a move that takes a safe tip back to a new block. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  seen: ['confirmed', 'dropped', 'safe', 'finalized'],
  confirmed: ['safe', 'finalized', 'orphaned'],
  safe: ['finalized', 'orphaned', 'confirmed'],
  orphaned: ['confirmed'],
  dropped: ['confirmed', 'seen'],
  finalized: [],
  lost: [],
};

/**
 * What overlays know of a tip goes blank when its facts change and its creator has rules, and comes back with the verdict: in the state that the
 * tip is in by then.
 */
const isCorrection = (before: LedgerEvent, event: LedgerEvent): boolean =>
  event.type === 'tip.updated' && event.state === before.state && before.message === '' && event.message !== '';

/** What is wrong with the story of one tip, as its creator's stream tells it. */
export function faultsOfPath(id: string, events: readonly LedgerEvent[], screens: boolean): string[] {
  const faults: string[] = [];
  let before: LedgerEvent | undefined;
  for (const event of events) {
    if (before === undefined) {
      if (event.type !== 'tip') faults.push(`${id}: its first event is ${event.type}`);
    } else {
      if (event.type === 'tip') faults.push(`${id}: a second alert, as event ${String(event.seq)}`);
      if (event.rev !== before.rev + 1) faults.push(`${id}: revision ${String(event.rev)} follows ${String(before.rev)}`);
      const isLegal = ARROWS[before.state]?.includes(event.state) === true || (screens && isCorrection(before, event));
      if (!isLegal) faults.push(`${id}: ${before.state} → ${event.state} is no legal arrow`);
    }
    const isGone = event.state === 'orphaned' || event.state === 'dropped';
    if (isGone !== (event.type === 'tip.retracted')) faults.push(`${id}: ${event.type} tells of ${event.state}`);
    before = event;
  }
  return faults;
}
