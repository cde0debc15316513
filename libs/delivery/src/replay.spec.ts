import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { DEFAULT_OVERLAY_CONFIG, TIP_TTL_MS, type CreatorEvent, type TipEvent } from '@droppio/tips';
import { aDisplay, aTipEvent } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { replayFrames } from './replay.js';

const NOW = 1_800_000_000_000;
const OVERLAY = randomUUID();
const at = (ageMs: number) => ({ block: NOW - ageMs, seen: NOW - ageMs + 500 });
const FRESH = at(1000);
const STALE = at(TIP_TTL_MS + 1);

const tip = (seq: number, fields: Partial<TipEvent> = {}): TipEvent => aTipEvent({ seq, at: FRESH, ...fields });
const about = (event: TipEvent, seq: number, fields: Partial<TipEvent>): TipEvent => ({ ...event, seq, rev: event.rev + 1, ...fields });
const config = (seq: number, overlayId: string): CreatorEvent => ({
  ...{ seq, id: overlayId, type: 'config', at: FRESH, ttlMs: TIP_TTL_MS },
  d: { overlayId, version: 1, enabled: true, config: DEFAULT_OVERLAY_CONFIG },
});
const test = (seq: number, overlayId: string, time = FRESH): CreatorEvent => ({
  ...{ seq, id: randomUUID(), type: 'test', at: time, ttlMs: TIP_TTL_MS },
  d: { ...aDisplay(), overlayId },
});
const frames = (events: readonly CreatorEvent[]) => replayFrames(events, { overlayId: OVERLAY, now: NOW, catchUpMs: 0 });
const outline = (events: readonly CreatorEvent[]) => frames(events).map(({ type, from, seq }) => [type, from ?? seq, seq]);

describe(replayFrames.name, () => {
  it('replays fresh tips one by one, marked as replayed', () => {
    const event = tip(5);
    expect(frames([event])).toMatchObject([{ op: 'event', seq: 5, id: event.id, type: 'tip', replay: true, d: { tipId: event.d.tipId } }]);
  });

  it('plays older ones where the overlay wants that, and no tests', () => {
    const catchUpMs = TIP_TTL_MS * 2;
    const events = [tip(1, { at: at(catchUpMs + 1) }), tip(2, { at: STALE }), tip(3), test(4, OVERLAY, STALE)];
    const replayed = replayFrames(events, { overlayId: OVERLAY, now: NOW, catchUpMs });
    expect(replayed.map(({ type, seq }) => [type, seq])).toEqual([
      ['summary', 1],
      ['tip', 2],
      ['tip', 3],
      ['skip', 4],
    ]);
    // A shorter wish is the page's to heed: it knows what it has seen.
    expect(replayFrames([tip(1)], { overlayId: OVERLAY, now: NOW, catchUpMs: 0 })).toMatchObject([{ type: 'tip' }]);
  });

  it('sums up tips that are too old to play, per token, at the place of the last one', () => {
    const amount = (raw: string, symbol = 'ETH') => ({
      ...aDisplay().amount,
      raw,
      symbol,
      ...(symbol === 'ETH' ? {} : { token: '0x01' as const }),
    });
    const old = (seq: number, raw: string, symbol?: string) => tip(seq, { at: STALE, d: aDisplay({ amount: amount(raw, symbol) }) });
    const big = (10n ** 30n).toString();
    const replayed = frames([old(1, big), old(2, '7'), old(3, '5', 'USDC'), tip(4)]);
    expect(replayed).toHaveLength(2);
    expect(replayed[0]).toMatchObject({ type: 'summary', from: 1, seq: 3, d: { tips: 3 } });
    expect(replayed[0]).toHaveProperty('d.totals.0.raw', (10n ** 30n + 7n).toString());
    expect(replayed[0]).toHaveProperty('d.totals.1', expect.objectContaining({ raw: '5', symbol: 'USDC' }));
  });

  it('names the newest of those it sums up, with what each of them adds', () => {
    const old = (seq: number, raw: string, token = aDisplay().amount.token) =>
      tip(seq, { at: STALE, d: aDisplay({ amount: { ...aDisplay().amount, raw, token } }) });
    const events = [
      ...Array.from({ length: 100 }, (_, at) => old(at + 1, '1')),
      old(101, '', '0x02'),
      old(102, '7', '0x01'),
      old(103, '3'),
    ];
    const [frame] = frames(events);
    if (frame?.type !== 'summary') throw new Error('no summary');
    expect([frame.d.tips, frame.d.newest?.length]).toEqual([103, 100]);
    expect(frame.d.newest?.slice(-2)).toEqual([
      { id: events[101]?.id, raw: '7', total: 1 },
      { id: events[102]?.id, raw: '3', total: 0 },
    ]);
  });

  it('sums up what it can where the store holds an amount that is none', () => {
    const old = (seq: number, raw: string) => tip(seq, { at: STALE, d: aDisplay({ amount: { ...aDisplay().amount, raw } }) });
    expect(frames([old(1, '5'), old(2, '1.5'), old(3, ''), old(4, '6')])[0]).toMatchObject({ d: { tips: 4, totals: [{ raw: '11' }] } });
  });

  it('sums up a tip as it stands after its updates, and shows nothing of the updates', () => {
    const event = tip(1, { at: STALE, d: aDisplay({ amount: { ...aDisplay().amount, raw: '1' } }) });
    const updated = about(event, 2, { type: 'tip.updated', d: { ...event.d, amount: { ...event.d.amount, raw: '2' } } });
    expect(outline([event, updated])).toEqual([
      ['summary', 1, 1],
      ['skip', 2, 2],
    ]);
    expect(frames([event, updated])[0]).toHaveProperty('d.totals.0.raw', '2');
  });

  it('shows nothing of a tip that was taken back meanwhile', () => {
    const gone = tip(1);
    const events = [gone, about(gone, 2, { type: 'tip.updated' }), about(gone, 3, { type: 'tip.retracted', state: 'orphaned' }), tip(4)];
    expect(outline(events)).toEqual([
      ['skip', 1, 3],
      ['tip', 4, 4],
    ]);
  });

  it('passes on all about a tip that the overlay may have shown before', () => {
    const shown = tip(1);
    const events = [about(shown, 2, { type: 'tip.updated' }), about(shown, 3, { type: 'tip.retracted', at: STALE })];
    expect(outline(events)).toEqual([
      ['tip.updated', 2, 2],
      ['tip.retracted', 3, 3],
    ]);
  });

  it('plays a tip that was taken back and came again in another block', () => {
    const back = tip(1);
    const events = [back, about(back, 2, { type: 'tip.retracted' }), about(back, 3, { type: 'tip.updated', state: 'confirmed' })];
    expect(outline(events).map(([type]) => type)).toEqual(['tip', 'tip.retracted', 'tip.updated']);
  });

  it('skips what is for another overlay, settings that ready has carried, and stale tests', () => {
    const events = [config(1, OVERLAY), config(2, randomUUID()), test(3, randomUUID()), test(4, OVERLAY, STALE), test(5, OVERLAY)];
    expect(outline(events)).toEqual([
      ['skip', 1, 4],
      ['test', 5, 5],
    ]);
  });

  it('passes on commands of any age, since what they said still holds', () => {
    const pause: CreatorEvent = { seq: 1, id: randomUUID(), type: 'control', at: STALE, ttlMs: TIP_TTL_MS, d: { action: 'pause' } };
    expect(frames([pause, { ...pause, seq: 2, d: { action: 'pause', overlayId: randomUUID() } }])).toMatchObject([
      { type: 'control', seq: 1, replay: true, d: { action: 'pause' } },
      { type: 'skip', seq: 2 },
    ]);
  });

  it('sums up nothing that was cleared away, only what came after it', () => {
    const clear = (seq: number, to?: string): CreatorEvent => ({
      ...{ seq, id: randomUUID(), type: 'control', at: STALE, ttlMs: TIP_TTL_MS },
      d: { action: 'clear', ...(to !== undefined && { overlayId: to }) },
    });
    const old = (seq: number): TipEvent => tip(seq, { at: STALE });
    expect(outline([old(1), old(2), clear(3), old(4)])).toEqual([
      ['skip', 1, 2],
      ['control', 3, 3],
      ['summary', 4, 4],
    ]);
    expect(frames([old(1), old(2), clear(3), old(4)])[2]).toMatchObject({ d: { tips: 1 } });
    expect(outline([old(1), clear(2, randomUUID())])).toEqual([
      ['summary', 1, 1],
      ['skip', 2, 2],
    ]);
    // What would play by itself the page forgets by itself.
    expect(outline([tip(1), clear(2)]).map(([type]) => type)).toEqual(['tip', 'control']);
  });

  it('accounts for every seq exactly once, in order, whatever happened', () => {
    const kinds = fc.constantFrom('tip', 'stale', 'update', 'retract', 'config', 'other', 'test');
    fc.assert(
      fc.property(fc.nat(1000), fc.array(fc.tuple(kinds, fc.nat(3)), { maxLength: 40 }), (start, plan) => {
        const ids = [tip(0), tip(0), tip(0), tip(0)];
        const events = plan.map(([kind, which], i): CreatorEvent => {
          const seq = start + 1 + i;
          const base = ids[which] ?? tip(0);
          if (kind === 'tip') return { ...base, seq };
          if (kind === 'stale') return { ...base, seq, at: STALE };
          if (kind === 'update') return about(base, seq, { type: 'tip.updated' });
          if (kind === 'retract') return about(base, seq, { type: 'tip.retracted' });
          return kind === 'test' ? test(seq, OVERLAY) : config(seq, kind === 'config' ? OVERLAY : randomUUID());
        });
        let taken = start;
        for (const frame of frames(events)) {
          expect(frame.from ?? frame.seq).toBe(taken + 1);
          taken = frame.seq;
        }
        expect(taken).toBe(start + events.length);
        expect(frames(events).filter((frame) => frame.type === 'summary').length).toBeLessThanOrEqual(1);
      }),
    );
  });
});
