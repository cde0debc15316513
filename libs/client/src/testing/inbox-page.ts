import type { EventFrame } from '@droppio/protocol';
import { ManualClock } from '@droppio/tips/testing';
import type { Alert } from '../alert.js';
import type { CatchUpRule } from '../catch-up.js';
import { MemoryCursorStore, type CursorStore } from '../cursor-store.js';
import type { InboxOptions } from '../inbox-options.js';
import { TipInbox } from '../tip-inbox.js';
import { aTipFrame } from './scripted-transport.js';

export const at = (seq: number) => ({ epoch: 'e1', seq });
const nameOf = (alert: Alert): string => (alert.kind === 'tip' ? alert.id : `digest of ${String(alert.tips)}`);

/** A page's inbox and what was kept for the next one: give it the same `store` and `clock`. */
export function aPage(options: InboxOptions & { rule?: Partial<CatchUpRule>; store?: CursorStore; clock?: ManualClock } = {}) {
  const { clock = new ManualClock(), store = new MemoryCursorStore() } = options;
  const rule: CatchUpRule = { mode: 'digest', maxAgeSec: 600, maxAlerts: 3, ...options.rule };
  const inbox = new TipInbox(store, { waiting: () => undefined }, { clock, catchUp: () => rule, ...options });
  const hear = (...frames: EventFrame[]): void => {
    for (const frame of frames) inbox.receive(frame, at(frame.seq));
  };
  /** Plays all that may play, each to its end. */
  const play = (): string[] => {
    const names: string[] = [];
    for (let showing = inbox.take(); showing !== undefined; showing = inbox.take()) {
      names.push(nameOf(showing.alert) + (showing.resumed ? ' goes on' : ''));
      inbox.screen.painted(8000);
      inbox.screen.halfSeen();
      inbox.screen.done();
    }
    return names;
  };
  return { inbox, store, clock, hear, play };
}

export const tips = (count: number, from = 1) => Array.from({ length: count }, (_, i) => aTipFrame(from + i));
export const idsOf = (frames: readonly { readonly id: string }[]): string[] => frames.map(({ id }) => id);
