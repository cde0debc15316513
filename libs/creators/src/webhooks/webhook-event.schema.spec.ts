import { describe, expect, it } from 'vitest';
import { DEFAULT_OVERLAY_CONFIG, WEBHOOK_EVENT_TYPES, WEBHOOK_TRIAL_TYPE, type CreatorEvent } from '@droppio/tips';
import { aCreatorId, aDisplay, aTipEvent } from '@droppio/tips/testing';
import { cloudEvent } from '@droppio/webhooks/testing';
import { WebhookEvent } from './webhook-event.schema.js';

const base = { seq: 3, at: { block: 1, seen: 2 }, ttlMs: 1 };
const events: readonly (CreatorEvent | undefined)[] = [
  aTipEvent({ state: 'seen' }),
  aTipEvent({ state: 'confirmed' }),
  aTipEvent({ type: 'tip.updated', state: 'safe' }),
  aTipEvent({ type: 'tip.updated', state: 'finalized' }),
  aTipEvent({ type: 'tip.retracted', state: 'orphaned' }),
  { ...base, id: 'a', type: 'test', d: { ...aDisplay(), overlayId: 'o' } },
  { ...base, id: 'b', type: 'config', d: { overlayId: 'b', version: 1, enabled: true, config: DEFAULT_OVERLAY_CONFIG } },
  { ...base, id: 'c', type: 'control', d: { action: 'skip' } },
  undefined,
];

describe('the documented events', () => {
  it.each([...WEBHOOK_EVENT_TYPES, WEBHOOK_TRIAL_TYPE].map((type, i) => [type, events[i]] as const))(
    'are what is sent: %s',
    (type, event) => {
      const delivery = { id: 'd', eventId: 'epoch-3', type, attempt: 1, at: new Date(), isTrial: event === undefined };
      const sent: unknown = JSON.parse(cloudEvent({ ...delivery, ...(event === undefined ? {} : { event }) }, aCreatorId()) ?? 'null');
      expect(WebhookEvent.parse(sent)).toEqual(sent);
    },
  );
});
