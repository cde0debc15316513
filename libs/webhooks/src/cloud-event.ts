import type { ClaimedDelivery, CreatorEvent, EventTimes, TipDisplay } from '@droppio/tips';

/**
 * CloudEvents 1.0, structured JSON. The same bytes at each attempt of a delivery. `undefined`: the event is gone, so there is nothing to tell.
 */
export function cloudEvent({ eventId, type, at, event, isTrial }: ClaimedDelivery, creatorId: string): string | undefined {
  if (event === undefined && !isTrial) return undefined;
  return JSON.stringify({
    specversion: '1.0',
    id: eventId,
    source: event === undefined ? `/creators/${creatorId}` : sourceOf(event, creatorId),
    type,
    subject: creatorId,
    time: at.toISOString(),
    datacontenttype: 'application/json',
    data: event === undefined ? { message: 'This is a trial: your webhook works.' } : dataOf(event),
  });
}

function sourceOf(event: CreatorEvent, creatorId: string): string {
  return 'rev' in event ? `/chains/${String(event.d.amount.chainId)}` : `/creators/${creatorId}`;
}

function dataOf(event: CreatorEvent): object {
  const { seq } = event;
  switch (event.type) {
    case 'tip':
    case 'tip.updated':
    case 'tip.retracted':
      return { seq, state: event.state, rev: event.rev, tip: tipOf(event.d), at: timesOf(event.at) };
    case 'test': {
      const { overlayId, ...display } = event.d;
      return { seq, tip: tipOf(display), ...(overlayId === undefined ? {} : { overlayId }) };
    }
    case 'config': {
      const { overlayId, version, enabled, config } = event.d;
      return { seq, overlay: { id: overlayId, version, enabled, config } };
    }
    case 'control':
      return { seq, ...event.d };
  }
}

function tipOf({ tipId, ...display }: TipDisplay): object {
  return { id: tipId, ...display };
}

function timesOf({ block, seen }: EventTimes): object {
  const time = (ms: number): string => new Date(ms).toISOString();
  return { ...(block === undefined ? {} : { block: time(block) }), seen: time(seen) };
}
