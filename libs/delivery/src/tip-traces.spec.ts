import { Traces, type OpenSpan, type SpanPlan } from '@droppio/platform';
import type { CreatorEvent } from '@droppio/tips';
import { aDisplay } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { TipTraces } from './tip-traces.js';

/** Knows what was begun and what has ended. */
class Notebook extends Traces {
  override readonly isOn = true;
  readonly ended: { readonly from: unknown; readonly plan: SpanPlan }[] = [];

  override begin(): undefined {
    return undefined;
  }

  override follow(): undefined {
    return undefined;
  }

  override take(from: unknown, plan: SpanPlan): OpenSpan | undefined {
    if (typeof from !== 'string') return undefined;
    const end = (): void => void this.ended.push({ from, plan });
    return { parent: `under ${from}`, run: (work) => work(), end };
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

const tip = (seq: number, trace?: string): CreatorEvent => ({
  ...{ seq, id: String(seq), ttlMs: 1, at: { seen: 1 }, d: aDisplay(), type: 'tip', state: 'confirmed', rev: 1 },
  ...(trace !== undefined && { trace }),
});

describe(TipTraces.name, () => {
  it('records one span an event for all sockets, once the last has been written to', () => {
    const book = new Notebook();
    const span = new TipTraces(book).fanOut('c', [tip(1, 'a'), tip(2), tip(3, 'b')], 5000);
    expect(book.ended).toEqual([]);
    span?.end();
    expect(book.ended.map(({ from }) => from)).toEqual(['a', 'b']);
    expect(book.ended[0]?.plan).toMatchObject({ kind: 'consumer', attributes: { 'droppio.sockets': 5000, 'droppio.seq': 1 } });
  });

  it('has nothing to do for events that nobody traces', () => {
    expect(new TipTraces(new Notebook()).fanOut('c', [tip(1)], 1)).toBeUndefined();
  });

  it('records the first screen of an alert, and no other', () => {
    const book = new Notebook();
    const traces = new TipTraces(book);
    traces.fanOut('c', [tip(1, 'a')], 3);
    for (let overlay = 0; overlay < 3; overlay += 1) traces.shown('c', 1);
    traces.shown('d', 1);
    traces.shown('c', 2);
    expect(book.ended).toEqual([{ from: 'under a', plan: { name: 'tip.shown', attributes: { 'droppio.seq': 1 } } }]);
  });

  it('forgets the oldest alerts rather than remember without end', () => {
    const book = new Notebook();
    const traces = new TipTraces(book);
    for (let seq = 1; seq <= 1001; seq += 1) traces.fanOut('c', [tip(seq, 'a')], 1);
    traces.shown('c', 1);
    expect(book.ended).toEqual([]);
    traces.shown('c', 2);
    traces.shown('c', 1001);
    expect(book.ended).toHaveLength(2);
  });
});
