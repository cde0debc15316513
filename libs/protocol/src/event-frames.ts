import type { EventFrame, TipView } from './server-frames.js';
import type { CreatorEvent, TipDisplay } from '@droppio/tips';

/** The overlay that an event is for; `undefined`: every overlay of the creator. */
export function addressee(event: CreatorEvent): string | undefined {
  return event.type === 'config' || event.type === 'test' || event.type === 'control' ? event.d.overlayId : undefined;
}

/** What one overlay receives of an event. Others' events become `skip`, so that every socket counts the same seqs. */
export function frameFor(event: CreatorEvent, overlayId: string | undefined, replay = false): EventFrame {
  const to = addressee(event);
  if (to !== undefined && to !== overlayId) return { op: 'event', type: 'skip', seq: event.seq };
  const base = { op: 'event' as const, seq: event.seq, id: event.id, at: event.at, ttlMs: event.ttlMs, ...(replay ? { replay } : {}) };
  switch (event.type) {
    case 'tip':
    case 'tip.updated':
    case 'tip.retracted':
      return { ...base, type: event.type, state: event.state, rev: event.rev, d: tipView(event.d) };
    case 'test':
      return { ...base, type: 'test', d: { ...tipView(event.d), ...(event.d.replayOf !== undefined && { replayOf: event.d.replayOf }) } };
    case 'config':
      return { ...base, type: 'config', d: { overlayId: event.d.overlayId, config: { ...event.d.config } } };
    case 'control':
      return { ...base, type: 'control', d: event.d };
  }
}

export function tipView(tip: TipDisplay): TipView {
  const { tipId, name, from, amount, message, txHash, usd } = tip;
  return { tipId, name, from, amount, message, txHash, ...(usd !== undefined && { usd }) };
}
