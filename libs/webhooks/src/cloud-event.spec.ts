import { describe, expect, it } from 'vitest';
import type { ClaimedDelivery, CreatorEvent } from '@droppio/tips';
import { aDisplay, aTipEvent } from '@droppio/tips/testing';
import { cloudEvent } from './cloud-event.js';

const at = new Date('2026-01-02T03:04:05.678Z');
const claimed = (event?: CreatorEvent, fields: Partial<ClaimedDelivery> = {}): ClaimedDelivery => ({
  id: 'd',
  eventId: 'epoch-7',
  type: 'io.droppio.tip.confirmed.v1',
  attempt: 1,
  at,
  isTrial: false,
  ...(event === undefined ? {} : { event }),
  ...fields,
});
const read = (delivery: ClaimedDelivery): unknown => JSON.parse(cloudEvent(delivery, 'c') ?? 'null');

describe(cloudEvent.name, () => {
  it('tells of a tip with its place in the stream, on its chain', () => {
    const event = aTipEvent({ seq: 7, rev: 2, state: 'confirmed', at: { block: Date.parse('2026-01-02T03:04:00Z'), seen: at.getTime() } });
    const { tipId, ...display } = event.d;
    expect(read(claimed(event))).toEqual({
      specversion: '1.0',
      id: 'epoch-7',
      source: '/chains/31337',
      type: 'io.droppio.tip.confirmed.v1',
      subject: 'c',
      time: '2026-01-02T03:04:05.678Z',
      datacontenttype: 'application/json',
      data: {
        seq: 7,
        state: 'confirmed',
        rev: 2,
        tip: { id: tipId, ...display },
        at: { block: '2026-01-02T03:04:00.000Z', seen: '2026-01-02T03:04:05.678Z' },
      },
    });
  });

  it('is the same, byte by byte, at each attempt', () => {
    const event = aTipEvent();
    expect(cloudEvent(claimed(event, { attempt: 9 }), 'c')).toBe(cloudEvent(claimed(event), 'c'));
  });

  it('tells of a trial without any event, and of nothing when the event is gone', () => {
    expect(read(claimed(undefined, { isTrial: true }))).toMatchObject({
      source: '/creators/c',
      data: { message: expect.any(String) as string },
    });
    expect(cloudEvent(claimed(), 'c')).toBeUndefined();
  });

  it('says that a test alert is no tip', () => {
    const test: CreatorEvent = { seq: 8, id: 'x', type: 'test', at: { seen: 1 }, ttlMs: 1, d: { ...aDisplay(), overlayId: 'o' } };
    expect(read(claimed(test))).toMatchObject({ source: '/creators/c', data: { seq: 8, overlayId: 'o' } });
    expect(read(claimed(test))).not.toHaveProperty('data.state');
  });
});
