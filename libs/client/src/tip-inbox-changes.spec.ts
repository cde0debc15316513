import type { EventFrame } from '@droppio/protocol';
import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import type { Alert, TipAlert } from './alert.js';
import { MemoryCursorStore } from './cursor-store.js';
import type { InboxOptions } from './inbox-options.js';
import { aTestFrame, aTipFrame } from './testing/scripted-transport.js';
import { TipInbox } from './tip-inbox.js';

const at = (seq: number) => ({ epoch: 'e1', seq });

/** A page of its own; `store` is what the page before it has left. */
function aPage(store = new MemoryCursorStore(), options: InboxOptions = {}, clock = new ManualClock()) {
  const patched: TipAlert[] = [];
  const listener = { waiting: () => undefined, patched: (alert: TipAlert) => patched.push(alert) };
  const inbox = new TipInbox(store, listener, { clock, ...options });
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
  return { inbox, store, clock, patched, hear, drain };
}

describe(`${TipInbox.name}: a tip that changes`, () => {
  const tip = aTipFrame(1);
  const hidden = { ...tip, seq: 2, rev: 2, type: 'tip.updated' as const, d: { ...tip.d, message: '' } };
  const aReplay = (seq: number, message = tip.d.message) => {
    const test = aTestFrame(seq);
    return { ...test, d: { ...tip.d, message, replayOf: tip.id } };
  };

  it('goes on after a reload as it is now, not as it was when it came', () => {
    const { hear, inbox, store, patched } = aPage();
    hear(tip);
    inbox.take();
    inbox.screen.painted(8000);
    hear(hidden);
    expect(patched).toMatchObject([{ id: tip.id, view: { message: '' } }]);
    const after = aPage(store, { isSameTab: true });
    after.inbox.resume({ head: 2 }, at(2));
    expect(after.inbox.take()).toMatchObject({ resumed: true, alert: { id: tip.id, view: { message: '' } } });
  });

  it('changes what waits to be played once more, too', () => {
    const { hear, drain } = aPage();
    hear(tip);
    drain();
    const replay = aReplay(2);
    hear(replay, { ...hidden, seq: 3 });
    expect(drain()).toMatchObject([{ id: replay.id, replayOf: tip.id, view: { message: '' } }]);
  });

  it('gives no message to a replay that came without one', () => {
    const { hear, drain } = aPage();
    hear(tip);
    drain();
    hear(aReplay(2, ''), { ...tip, seq: 3, rev: 2, type: 'tip.updated', state: 'safe', d: { ...tip.d, name: 'vitalik.eth' } });
    expect(drain()).toMatchObject([{ view: { name: 'vitalik.eth', message: '' } }]);
  });

  it('is no news for a page that came after it, and is for one that had it taken back before its turn', () => {
    const { hear, inbox, drain, clock } = aPage();
    inbox.resume({ head: 1, now: clock.now() }, at(1));
    const block = clock.now() - 60_000;
    hear({ ...hidden, at: { block, seen: block } });
    expect(drain()).toEqual([]);
    const other = aTipFrame(3, { at: { block: clock.now() + 1000, seen: clock.now() + 1000 } });
    hear(other, { ...other, seq: 4, type: 'tip.retracted', state: 'orphaned' }, { ...other, seq: 5, type: 'tip.updated', rev: 3 });
    expect(drain()).toMatchObject([{ id: other.id }]);
  });
});

describe(`${TipInbox.name}: a page that shows nothing for now`, () => {
  it('counts as idle, since what waits waits over a reload too', () => {
    const { hear, inbox, store } = aPage();
    inbox.setOnAir(false);
    hear(aTipFrame(1), aTipFrame(2));
    expect(inbox.isIdle).toBe(true);
    expect(store.load().cursor).toEqual(at(0));
    inbox.setOnAir(true);
    expect(inbox.isIdle).toBe(false);
    inbox.hold(true);
    expect(inbox.isIdle).toBe(true);
    inbox.hold(false);
    inbox.take();
    inbox.setOnAir(false);
    expect(inbox.isIdle).toBe(false);
  });

  it('is not held back by what another page has shown', () => {
    const shown: string[] = [];
    const { hear, inbox, store } = aPage(undefined, { shownElsewhere: () => shown });
    inbox.setOnAir(false);
    const tips = [aTipFrame(1), aTipFrame(2), aTipFrame(3)];
    for (const tip of tips) {
      hear(tip);
      shown.push(tip.id);
    }
    expect([inbox.size, store.load().cursor]).toEqual([1, at(2)]);
  });
});

describe(`${TipInbox.name}: what has waited long`, () => {
  it.each([
    [600, ['digest', 'tip']],
    [3600, ['tip', 'tip', 'tip']],
  ])('plays by itself for as long as missed ones do: %i seconds', (maxAgeSec, kinds) => {
    const { hear, inbox, drain, clock } = aPage(undefined, { catchUp: () => ({ mode: 'digest', maxAgeSec, maxAlerts: 10 }) });
    inbox.hold(true);
    hear(aTipFrame(1), aTipFrame(2));
    clock.advance(1_200_000);
    inbox.hold(false);
    hear(aTipFrame(3));
    expect(drain().map(({ kind }) => kind)).toEqual(kinds);
  });
});

describe(`${TipInbox.name}: what another page has shown`, () => {
  const missed = [aTipFrame(2), aTipFrame(3)].map((frame) => ({ ...frame, replay: true }));

  it('is not shown again by a page that was not there, nor counted', () => {
    const store = new MemoryCursorStore();
    store.save({ cursor: at(1), received: 1 });
    const { hear, inbox, drain } = aPage(store, { shownElsewhere: () => missed.map(({ id }) => id) });
    inbox.resume({ head: 4 }, at(1));
    const own = { ...aTipFrame(4), replay: true };
    hear(...missed, own);
    expect(drain()).toMatchObject([{ kind: 'tip', id: own.id }]);
  });
});

describe(`${TipInbox.name}: what came while nobody could see the page`, () => {
  it.each(['digest', 'manual'] as const)('is judged as missed when OBS loads the page anew to show it (%s)', (mode) => {
    const options: InboxOptions = { catchUp: () => ({ mode, maxAgeSec: 600, maxAlerts: 10 }) };
    const { hear, inbox, store } = aPage(undefined, options);
    inbox.resume({ head: 0 }, at(0));
    inbox.setOnAir(false);
    const tips = Array.from({ length: 12 }, (_, n) => aTipFrame(n + 1));
    hear(...tips);
    const after = aPage(store, { ...options, isSameTab: true });
    after.inbox.resume({ head: 12 }, at(0));
    after.hear(...tips.map((tip) => ({ ...tip, replay: true })));
    expect(after.drain()).toMatchObject(mode === 'manual' ? [] : [{ kind: 'digest', tips: 12, missed: true }]);
  });
});

describe(`${TipInbox.name}: a tip that leaves its chain while it is on the screen`, () => {
  it('does not come back, whether nobody saw it or the page ends', () => {
    for (const isReloaded of [false, true]) {
      const { hear, inbox, drain, store } = aPage();
      const tip = aTipFrame(1);
      hear(tip);
      inbox.take();
      inbox.screen.painted(8000);
      hear({ ...tip, seq: 2, type: 'tip.retracted', state: 'orphaned' });
      if (isReloaded) {
        const after = aPage(store);
        after.inbox.resume({ head: 2 }, at(2));
        expect(after.drain()).toEqual([]);
      } else {
        inbox.putBack();
        expect(drain()).toEqual([]);
      }
    }
  });
});
