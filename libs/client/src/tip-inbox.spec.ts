import type { EventFrame } from '@droppio/protocol';
import { aDisplay, ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { MemoryCursorStore, type CursorStore } from './cursor-store.js';
import type { InboxOptions } from './inbox-options.js';
import { aTestFrame, aTipFrame } from './testing/scripted-transport.js';
import { TipInbox } from './tip-inbox.js';
import type { Alert, TipAlert } from './alert.js';

const at = (seq: number, epoch = 'e1') => ({ epoch, seq });
const atMost = (maxAlerts: number) => () => ({ mode: 'digest' as const, maxAgeSec: 600, maxAlerts });

function anInbox(store: CursorStore = new MemoryCursorStore(), options: InboxOptions = {}) {
  const clock = new ManualClock();
  const patched: TipAlert[] = [];
  let calls = 0;
  const inbox = new TipInbox(
    store,
    {
      waiting: () => {
        calls += 1;
      },
      patched: (alert) => patched.push(alert),
    },
    { clock, ...options },
  );
  const hear = (...frames: EventFrame[]): void => {
    for (const frame of frames) inbox.receive(frame, at(frame.seq));
  };
  const drain = (): Alert[] => {
    const alerts: Alert[] = [];
    for (let showing = inbox.take(); showing !== undefined; showing = inbox.take()) {
      alerts.push(showing.alert);
      inbox.screen.done();
    }
    return alerts;
  };
  return { inbox, store, clock, patched, hear, drain, calls: () => calls };
}

const ids = (alerts: readonly Alert[]): string[] =>
  alerts.map((alert) => (alert.kind === 'tip' ? alert.id : `digest of ${String(alert.tips)}`));

describe(TipInbox.name, () => {
  it('hands out tips in order, each once', () => {
    const { hear, drain, calls } = anInbox();
    const [first, second] = [aTipFrame(1), aTipFrame(2)];
    hear(first, second);
    expect(calls()).toBe(2);
    expect(ids(drain())).toEqual([first.id, second.id]);
    hear({ ...first, seq: 3 }, { ...second, seq: 4 });
    expect(drain()).toEqual([]);
  });

  it.each([3, -3])('judges the age of what it missed by the clock of the server, though its own is %i hours ahead', (hours) => {
    const { hear, inbox, clock, drain } = anInbox();
    const now = clock.now() - hours * 3_600_000;
    const young = Array.from({ length: 3 }, (_, n) => ({ ...aTipFrame(n + 2, { at: { seen: now - 60_000 } }), replay: true }));
    const old = Array.from({ length: 2 }, (_, n) => ({ ...aTipFrame(n + 5, { at: { seen: now - 3_000_000 } }), replay: true }));
    inbox.resume({ head: 6, now }, at(1));
    hear(...young, ...old);
    expect(inbox.serverNow).toBe(now);
    expect(new Set(ids(drain()))).toEqual(new Set([...young.map(({ id }) => id), 'digest of 2']));
  });

  it('writes an alert down as shown before it hands it out', () => {
    const { hear, inbox, store, clock } = anInbox();
    const tip = aTipFrame(1);
    hear(tip);
    const seenAt = clock.now();
    expect(store.load()).toEqual({ cursor: at(0), received: 1, seenAt, shown: [] });
    clock.advance(1000);
    inbox.take();
    const playing = expect.stringContaining(tip.id) as string;
    expect(store.load()).toEqual({ cursor: at(1), received: 1, seenAt, shown: [tip.id], playing });
  });

  it('keeps the cursor before the oldest event that still waits, so that a reload asks for it again', () => {
    const { hear, inbox, store, drain } = anInbox();
    hear(aTipFrame(5), aTipFrame(6), { op: 'event', type: 'skip', seq: 9, from: 7 });
    inbox.take();
    expect(store.load().cursor).toEqual(at(5));
    drain();
    expect(store.load().cursor).toEqual(at(9));
  });

  it('shows each tip once over a reload in mid-alert', () => {
    const store = new MemoryCursorStore();
    const tips = [aTipFrame(1), aTipFrame(2)];
    const before = anInbox(store);
    before.hear(...tips);
    const shown = [before.inbox.take()?.alert];
    const after = anInbox(store);
    expect(after.inbox.cursor).toEqual(at(1));
    after.hear(...tips.slice(1));
    shown.push(...after.drain());
    expect(shown.map((alert) => alert?.kind === 'tip' && alert.seq)).toEqual([1, 2]);
  });

  it('recognises a shown tip in a stream that is numbered anew', () => {
    const store = new MemoryCursorStore();
    const tip = aTipFrame(900);
    const before = anInbox(store);
    before.hear(tip);
    before.drain();
    const after = anInbox(store);
    after.inbox.receive({ ...tip, seq: 2 }, at(2, 'e2'));
    expect(after.drain()).toEqual([]);
    expect(store.load().cursor).toEqual(at(2, 'e2'));
  });

  it('shows a test alert with its mark', () => {
    const { hear, inbox } = anInbox();
    hear(aTestFrame(1));
    expect(inbox.take()?.alert).toMatchObject({ kind: 'tip', test: true });
  });
});

describe(`${TipInbox.name}: changes`, () => {
  it('removes a tip that is retracted before its turn', () => {
    const { hear, drain, store } = anInbox();
    const [kept, gone] = [aTipFrame(1), aTipFrame(2)];
    hear(kept, gone, { ...gone, seq: 3, type: 'tip.retracted', state: 'orphaned' });
    expect(ids(drain())).toEqual([kept.id]);
    expect(store.load().cursor).toEqual(at(3));
  });

  it('plays a tip once that was retracted in time and came back', () => {
    const { hear, drain } = anInbox();
    const tip = aTipFrame(1);
    hear(tip, { ...tip, seq: 2, type: 'tip.retracted', state: 'orphaned' }, { ...tip, seq: 3, type: 'tip.updated', rev: 3 });
    hear({ ...tip, seq: 4, type: 'tip.updated', rev: 4 });
    expect(ids(drain())).toEqual([tip.id]);
  });

  it('plays no tip again that was retracted after it was shown and came back', () => {
    const { hear, drain } = anInbox();
    const tip = aTipFrame(1);
    hear(tip);
    drain();
    hear({ ...tip, seq: 2, type: 'tip.retracted', state: 'orphaned' }, { ...tip, seq: 3, type: 'tip.updated', rev: 3 });
    expect(drain()).toEqual([]);
  });

  it('does not take the finality of an unknown tip for a new one', () => {
    const { hear, drain } = anInbox();
    hear({ ...aTipFrame(1), type: 'tip.updated', state: 'safe' }, { ...aTipFrame(2), type: 'tip.updated', state: 'finalized' });
    expect(drain()).toEqual([]);
  });

  it('patches a waiting tip in its place, and tells of a change to a shown one', () => {
    const { hear, inbox, patched, drain } = anInbox();
    const [first, second] = [aTipFrame(1), aTipFrame(2)];
    const renamed = { ...first.d, name: 'vitalik.eth' };
    hear(first, second, { ...first, seq: 3, type: 'tip.updated', d: renamed });
    expect(inbox.take()?.alert).toMatchObject({ id: first.id, view: { name: 'vitalik.eth' } });
    hear({ ...first, seq: 4, type: 'tip.updated' });
    expect(patched.map((alert) => alert.id)).toEqual([first.id]);
    expect(ids(drain())).toEqual([second.id]);
  });
});

describe(`${TipInbox.name}: too much at once`, () => {
  const worth = (seq: number, raw: string, symbol = 'ETH', decimals = 18) => {
    const display = aDisplay();
    return aTipFrame(seq, { d: { ...display, amount: { ...display.amount, raw, symbol, decimals } } });
  };

  it('folds a burst into one card that adds up exactly', () => {
    const { hear, drain, inbox } = anInbox(undefined, { burst: 3 });
    hear(worth(1, '1'), worth(2, '9007199254740993'), worth(3, '2', 'USDC', 6), worth(4, '3', 'USDC', 6));
    expect(inbox.size).toBe(1);
    expect(drain()).toMatchObject([
      {
        kind: 'digest',
        missed: false,
        tips: 4,
        totals: [
          { symbol: 'ETH', raw: '9007199254740994' },
          { symbol: 'USDC', raw: '5' },
        ],
      },
    ]);
  });

  it('folds the smallest first, so that a tip of a tier is in no card for the sake of a burst of others', () => {
    const priorities: Record<string, number> = { big: 50, huge: 90 };
    const placeOf = ({ view }: TipAlert) => {
      const priority = priorities[view.message];
      return priority === undefined ? undefined : { id: view.message, queue: 'queue' as const, priority };
    };
    const of = (message: string, seq: number) => aTipFrame(seq, { d: aDisplay({ message }) });
    const { hear, drain } = anInbox(undefined, { burst: 4, placeOf });
    const [big, huge] = [of('big', 2), of('huge', 5)];
    hear(of('', 1), big, of('', 3), of('', 4), huge);
    expect(ids(drain())).toEqual(['digest of 3', big.id, huge.id]);
    // So many that some of a tier have to go as well: again those that are less.
    const [first, second] = [of('huge', 10), of('huge', 14)];
    hear(first, ...[11, 12, 13].map((seq) => of('big', seq)), second);
    expect(ids(drain())).toEqual([first.id, 'digest of 3', second.id]);
  });

  it('plays a tip once more that the creator replays, without a mark, once, and unfolded', () => {
    const { hear, drain } = anInbox(undefined, { burst: 2 });
    const tip = aTipFrame(1);
    hear(tip);
    expect(ids(drain())).toEqual([tip.id]);
    const test = aTestFrame(3);
    const replay = { ...test, d: { ...test.d, replayOf: tip.id } };
    hear(aTipFrame(2), replay, aTipFrame(4), { ...replay, seq: 5 });
    const alerts = drain();
    expect(ids(alerts)).toEqual([replay.id, 'digest of 2']);
    expect(alerts[0]).toMatchObject({ test: false, replayOf: tip.id });
  });

  it('never folds a test alert', () => {
    const { hear, drain } = anInbox(undefined, { burst: 1 });
    const test = aTestFrame(2);
    hear(aTipFrame(1), test, aTipFrame(3));
    expect(ids(drain())).toEqual(['digest of 2', test.id]);
  });

  it('takes a retracted tip out of a card, and shows the last one by itself', () => {
    const { hear, drain } = anInbox(undefined, { burst: 1 });
    const [kept, gone] = [aTipFrame(1), aTipFrame(2)];
    hear(kept, gone, { ...gone, seq: 3, type: 'tip.retracted', state: 'orphaned' });
    expect(ids(drain())).toEqual([kept.id]);
  });

  it('remembers every tip of a card as shown', () => {
    const { hear, drain } = anInbox(undefined, { burst: 1 });
    const tips = [aTipFrame(1), aTipFrame(2)];
    hear(...tips);
    drain();
    hear(...tips.map((tip, i) => ({ ...tip, seq: 3 + i, type: 'tip.updated' as const })));
    expect(drain()).toEqual([]);
  });

  it('judges what was missed as a whole: a few are played', () => {
    const { inbox, hear, drain } = anInbox(undefined, { catchUp: atMost(3) });
    inbox.resume({ head: 3 }, at(0));
    hear(aTipFrame(1, { replay: true }), aTipFrame(2, { replay: true }));
    expect(inbox.take()).toBeUndefined();
    hear(aTipFrame(3, { replay: true }));
    expect(drain()).toHaveLength(3);
  });

  it('judges what was missed as a whole: many are one card, and what comes live stays by itself', () => {
    const { inbox, hear, drain } = anInbox(undefined, { catchUp: atMost(2) });
    inbox.resume({ head: 3 }, at(0));
    const live = aTipFrame(4);
    hear(...[1, 2, 3].map((seq) => aTipFrame(seq, { replay: true })), live);
    expect(ids(drain())).toEqual(['digest of 3', live.id]);
  });

  it('shows what the server summed up as a card of its own', () => {
    const { hear, drain } = anInbox();
    const { amount } = aDisplay();
    hear({ op: 'event', type: 'summary', from: 1, seq: 12, d: { tips: 12, totals: [amount] } }, aTipFrame(13));
    expect(drain()).toMatchObject([{ kind: 'digest', missed: true, tips: 12, totals: [amount] }, { kind: 'tip' }]);
  });

  describe('what the server summed up', () => {
    const { amount } = aDisplay();
    const usdc = { ...amount, symbol: 'USDC', raw: '9' };
    const named = (id: string, raw: string, total: number) => ({ id, raw, total });
    const d = { tips: 5, totals: [{ ...amount, raw: '30' }, usdc], newest: [named('a', '10', 0), named('b', '9', 1), named('c', '20', 0)] };
    const summary = (seq: number, tips = 5): EventFrame => ({ op: 'event', type: 'summary', seq, d: { ...d, tips } });

    it('counts nothing that this page, or another of the overlay, has shown', () => {
      const { hear, drain } = anInbox(undefined, { shownElsewhere: () => ['b'] });
      const jumper = { ...aTipFrame(1), id: 'a' };
      hear(jumper);
      drain();
      hear(summary(5));
      expect(drain()).toMatchObject([{ kind: 'digest', tips: 3, totals: [{ symbol: amount.symbol, raw: '20' }] }]);
    });

    it('is nothing where all of it was shown, and is not shown again when a fork moves a part of it', () => {
      const { hear, drain, store } = anInbox(undefined, { shownElsewhere: () => ['x'] });
      hear(summary(5, 3));
      // While it waits, and afterwards.
      hear({ ...aTipFrame(6), id: 'c', type: 'tip.updated' });
      expect(drain()).toMatchObject([{ kind: 'digest', tips: 3 }]);
      hear({ ...aTipFrame(7), id: 'c', type: 'tip.updated' }, summary(8, 3));
      expect([drain(), store.load().cursor]).toEqual([[], at(8)]);
    });

    it('does not come back when it is cleared', () => {
      const { hear, drain, inbox } = anInbox();
      hear(summary(5));
      inbox.clear();
      hear(summary(5, 3));
      expect(drain()).toEqual([]);
    });
  });

  it('does not wait for the rest of what was missed when the link is gone', () => {
    const { inbox, hear, drain } = anInbox();
    inbox.resume({ head: 3 }, at(0));
    hear(aTipFrame(1, { replay: true }));
    expect(drain()).toEqual([]);
    inbox.interrupt();
    expect(drain()).toHaveLength(1);
  });

  it('folds what has waited longer than it may play', () => {
    const { hear, drain, clock } = anInbox();
    hear(aTipFrame(1), aTipFrame(2));
    clock.advance(600_001);
    const live = aTipFrame(3);
    hear(live);
    expect(ids(drain())).toEqual(['digest of 2', live.id]);
  });

  it('stays bounded under a flood, and counts every tip of it', () => {
    const { hear, drain, inbox } = anInbox(undefined, { burst: 3 });
    // After the first fold every third tip folds again, so the last of 3001 does.
    for (let seq = 1; seq <= 3001; seq += 1) hear(worth(seq, '1'));
    expect(inbox.size).toBe(1);
    expect(drain()).toMatchObject([{ missed: false, tips: 3001, totals: [{ raw: '3001' }] }]);
  });
});

describe(`${TipInbox.name}: order and command`, () => {
  const big = (alert: TipAlert) => (alert.view.message === 'big' ? ({ id: 'big', queue: 'jump' } as const) : undefined);
  const aBig = (seq: number) => aTipFrame(seq, { d: aDisplay({ message: 'big' }) });

  it('lets priority go before what waits, in its own order, and never hides it in a card', () => {
    const { hear, drain } = anInbox(undefined, { burst: 3, placeOf: big });
    const [first, second] = [aBig(2), aBig(4)];
    hear(aTipFrame(1), first, aTipFrame(3), second);
    expect(ids(drain())).toEqual([first.id, second.id, 'digest of 2']);
  });

  it('asks again for what was overtaken, and not for what overtook, after a reload', () => {
    const store = new MemoryCursorStore();
    const [small, jumper] = [aTipFrame(1), aBig(2)];
    const before = anInbox(store, { placeOf: big });
    before.hear(small, jumper);
    expect(before.inbox.take()?.alert).toMatchObject({ id: jumper.id });
    const after = anInbox(store, { placeOf: big });
    expect(after.inbox.cursor).toEqual(at(0));
    after.hear(small, jumper);
    expect(ids(after.drain())).toEqual([small.id]);
  });

  it('folds even priority when there is no end of it', () => {
    const { hear, inbox } = anInbox(undefined, { burst: 3, placeOf: big });
    hear(...[1, 2, 3, 4].map(aBig));
    expect(inbox.size).toBe(1);
  });

  it('hands out nothing while it is held', () => {
    const { hear, inbox, drain, calls } = anInbox();
    inbox.hold(true);
    hear(aTipFrame(1));
    expect(drain()).toEqual([]);
    const before = calls();
    inbox.hold(false);
    expect(calls()).toBe(before + 1);
    expect(drain()).toHaveLength(1);
  });

  it('forgets what waits when it is cleared, over a reload too', () => {
    const { hear, inbox, drain, store } = anInbox();
    hear(aTipFrame(1), aTipFrame(2));
    inbox.clear();
    expect(drain()).toEqual([]);
    expect(store.load().cursor).toEqual(at(2));
  });
});
