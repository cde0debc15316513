import { aDisplay, ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { MemoryCursorStore, type CursorStore } from './cursor-store.js';
import { aPage, at, idsOf, tips } from './testing/inbox-page.js';
import { aTestFrame, aTipFrame } from './testing/scripted-transport.js';

describe('what comes while nobody can see the page', () => {
  it('waits, and is played one by one if it is little and young', () => {
    const { inbox, hear, play, clock } = aPage();
    inbox.setOnAir(false);
    const few = tips(3);
    hear(...few);
    expect(play()).toEqual([]);
    clock.advance(600_000);
    inbox.setOnAir(true);
    expect(play()).toEqual(idsOf(few));
  });

  it('is one card if it is much, or old, never a burst', () => {
    const many = aPage();
    many.inbox.setOnAir(false);
    many.hear(...tips(4));
    many.inbox.setOnAir(true);
    expect(many.play()).toEqual(['digest of 4']);

    const old = aPage();
    old.inbox.setOnAir(false);
    old.hear(...tips(1));
    old.clock.advance(600_001);
    const young = aTipFrame(2);
    old.hear(young);
    old.inbox.setOnAir(true);
    expect(old.play()).toEqual(['digest of 1', young.id]);
  });

  it('is played as far as the rule goes in mode play, after one card for the rest', () => {
    const { inbox, hear, play } = aPage({ rule: { mode: 'play' } });
    inbox.setOnAir(false);
    const frames = tips(40);
    hear(...frames);
    inbox.setOnAir(true);
    expect(play()).toEqual(['digest of 37', ...idsOf(frames.slice(37))]);
  });

  it('is not shown at all in mode manual, over a reload neither, and what follows is', () => {
    const { inbox, hear, play, store } = aPage({ rule: { mode: 'manual' } });
    inbox.setOnAir(false);
    const missed = tips(2);
    hear(...missed);
    inbox.setOnAir(true);
    const live = aTipFrame(3);
    hear(live);
    expect(play()).toEqual([live.id]);
    const reloaded = aPage({ rule: { mode: 'manual' }, store });
    reloaded.inbox.resume({ head: 3 }, at(0));
    reloaded.hear(...missed.map((frame) => ({ ...frame, replay: true })), { ...live, replay: true });
    expect(reloaded.play()).toEqual([]);
  });

  it('leaves out what another page of the overlay has shown meanwhile', () => {
    const frames = tips(3);
    const { inbox, hear, play } = aPage({ shownElsewhere: () => idsOf(frames.slice(0, 2)) });
    const before = aTipFrame(9);
    hear(before);
    inbox.setOnAir(false);
    hear(...frames);
    inbox.setOnAir(true);
    expect(play()).toEqual([before.id, ...idsOf(frames.slice(2))]);
  });

  it('leaves out what waited here before and was shown by another page meanwhile, however short that was', () => {
    const frames = tips(7);
    const elsewhere: string[] = [];
    const { inbox, hear, play } = aPage({ shownElsewhere: () => elsewhere });
    hear(...frames);
    inbox.setOnAir(false);
    elsewhere.push(...idsOf(frames.slice(0, 6)));
    inbox.setOnAir(true);
    expect(play()).toEqual(idsOf(frames.slice(6)));
  });

  it('stays bounded, and counts every tip', () => {
    const { inbox, hear, play } = aPage();
    inbox.setOnAir(false);
    hear(...tips(500));
    expect(inbox.size).toBe(100);
    inbox.setOnAir(true);
    expect(play()).toEqual(['digest of 500']);
  });
});

describe('what comes while the page is away', () => {
  it('is nothing in mode manual, though what waited before a reload is not missed', () => {
    const { hear, store, clock } = aPage({ rule: { mode: 'manual' } });
    const waited = tips(2);
    hear(...waited);
    const missed = aTipFrame(3);
    for (const [ageMs, expected] of [[1000, idsOf(waited)] as const, [700_000, []] as const]) {
      const copy = new MemoryCursorStore();
      copy.save(store.load());
      const later = new ManualClock(clock.now() + ageMs);
      const back = aPage({ rule: { mode: 'manual' }, store: copy, clock: later });
      back.inbox.resume({ head: 3 }, at(0));
      back.hear(...[...waited, missed].map((frame) => ({ ...frame, replay: true })));
      expect(back.play()).toEqual(expected);
    }
  });

  it.each([
    ['digest', ['digest of 24']],
    ['play', ['digest of 15', '17', '18', '19', '20', '21', '22', '23', '24', '25']],
  ] as const)('is judged as a whole, mode %s, though the link breaks while it is told', (mode, expected) => {
    const { inbox, hear, play, clock } = aPage({ rule: { mode, maxAlerts: 10 } });
    const log = tips(25, 1).map((frame) => ({ ...frame, replay: true, at: { seen: clock.now() } }));
    inbox.resume({ head: 25 }, at(0));
    hear(...log.slice(0, 10));
    for (const [from, to] of [[10, 18] as const, [18, 25] as const]) {
      inbox.interrupt();
      inbox.interrupt();
      // One begins, and stands on the screen until all has come.
      if (from === 10) inbox.take();
      inbox.resume({ head: 25 }, at(from));
      hear(...log.slice(from, to));
    }
    inbox.screen.done();
    expect(play().map((name) => String(log.find(({ id }) => id === name)?.seq ?? name))).toEqual(expected);
    // The next absence is another one.
    inbox.interrupt();
    inbox.resume({ head: 35 }, at(25));
    hear(...tips(10, 26).map((frame) => ({ ...frame, replay: true, at: { seen: clock.now() } })));
    expect(play()).toHaveLength(10);
    // As is a time out of sight.
    inbox.setOnAir(false);
    hear(...tips(10, 36));
    inbox.setOnAir(true);
    expect(play()).toHaveLength(10);
  });

  it('was not missed when it comes with a later answer of a poll', () => {
    const { inbox, hear, play } = aPage({ rule: { mode: 'manual' } });
    inbox.resume({ head: 0 }, at(0));
    inbox.resume({ head: 1 }, at(0));
    const polled = aTipFrame(1, { replay: true });
    hear(polled);
    expect(play()).toEqual([polled.id]);
  });
});

describe('tier queues', () => {
  const queued = (queue: 'dropIfBusy' | 'mergeSame' | 'jump') => (alert: { view: { message: string } }) =>
    alert.view.message === queue ? { id: queue, queue } : undefined;
  const of = (queue: string, seq: number) => aTipFrame(seq, { d: aDisplay({ message: queue }) });

  it('dropIfBusy plays only what can play at once, and drops it for good', () => {
    const { inbox, hear, play, store } = aPage({ placeOf: queued('dropIfBusy') });
    const [first, second] = [of('dropIfBusy', 1), of('dropIfBusy', 2)];
    hear(first);
    const showing = inbox.take();
    hear(second);
    inbox.screen.done();
    const third = of('dropIfBusy', 3);
    hear(third, { ...second, seq: 4 });
    expect([showing?.alert.kind === 'tip' && showing.alert.id, ...play()]).toEqual([first.id, third.id]);
    expect(store.load().shown).toContain(second.id);
  });

  it('mergeSame makes one card of those that wait, in the place of the first', () => {
    const { hear, inbox } = aPage({ placeOf: queued('mergeSame') });
    hear(of('mergeSame', 1), aTipFrame(2), of('mergeSame', 3), of('mergeSame', 4));
    expect(inbox.take()?.alert).toMatchObject({ kind: 'digest', tips: 3, tier: 'mergeSame', missed: false });
    expect(inbox.take()?.alert).toMatchObject({ kind: 'tip' });
  });

  it('lets a replay go before what waits, with those that jump', () => {
    const { hear, play } = aPage({ placeOf: queued('jump') });
    const [normal, jumper, test] = [aTipFrame(1), of('jump', 2), aTestFrame(3)];
    hear(normal, jumper, { ...test, d: { ...test.d, replayOf: 'x' } });
    expect(play()).toEqual([jumper.id, test.id, normal.id]);
  });
});

describe('a page that ends in mid-alert', () => {
  /** What the next page shows, `awayMs` later. */
  const afterwards = (store: CursorStore, clock: ManualClock, awayMs: number, isSameTab = true) => {
    clock.advance(awayMs);
    const next = aPage({ store, clock, isSameTab });
    expect(next.inbox.take()).toBeUndefined();
    next.inbox.resume({ head: 1 }, at(1));
    return next.inbox.take();
  };
  const begun = () => {
    const page = aPage();
    const tip = aTipFrame(1);
    page.hear(tip);
    page.inbox.take();
    return { ...page, tip };
  };

  it('leaves an alert that had no frame yet to be played whole', () => {
    const { store, clock, tip } = begun();
    expect(afterwards(store, clock, 1000)).toMatchObject({
      alert: { id: tip.id, view: { name: tip.d.name, message: tip.d.message, amount: tip.d.amount } },
      resumed: false,
      halfSeen: false,
    });
  });

  it('leaves an alert whose frame may have been seen to go on, where the browser itself had ended', () => {
    const { store, clock, tip } = begun();
    const showing = afterwards(store, clock, 1000, false);
    expect(showing).toMatchObject({ alert: { id: tip.id }, resumed: true });
    expect(showing?.leftMs).toBeUndefined();
  });

  it.each([
    ['has its rest', 3000, false, 5000],
    ['has half of its time at least, if it was not half seen', 7000, false, 4000],
    ['has its rest, if it was half seen', 7000, true, 1000],
    ['comes back for half of its time when that is over, if it was not half seen', 60_000, false, 4000],
  ])('leaves an alert that goes on: it %s', (_name, awayMs, isHalfSeen, leftMs) => {
    const { inbox, store, clock, tip } = begun();
    inbox.screen.painted(8000);
    if (isHalfSeen) inbox.screen.halfSeen();
    expect(afterwards(store, clock, awayMs)).toMatchObject({ alert: { id: tip.id }, resumed: true, leftMs });
  });

  it('leaves nothing of an alert that was done, or half seen and over', () => {
    const over = begun();
    over.inbox.screen.painted(8000);
    over.inbox.screen.halfSeen();
    expect(afterwards(over.store, over.clock, 8000)).toBeUndefined();
    const done = begun();
    done.inbox.screen.done();
    expect(afterwards(done.store, done.clock, 0)).toBeUndefined();
  });

  it('leaves an alert in a card when the rule would not play it any more', () => {
    const { store, clock } = begun();
    expect(afterwards(store, clock, 600_001)?.alert).toMatchObject({ kind: 'digest', tips: 1, missed: true });
  });

  it('lets go of an alert that ended five pages', () => {
    const { store, clock } = begun();
    const lives = Array.from({ length: 6 }, () => afterwards(store, clock, 100) !== undefined);
    expect(lives).toEqual([true, true, true, true, false, false]);
  });

  it('brings an alert that nobody saw back once, and one without a frame until it has one', () => {
    const { inbox, clock } = begun();
    for (let i = 0; i < 10; i += 1) {
      inbox.putBack();
      expect(inbox.take()).toMatchObject({ resumed: false });
    }
    inbox.screen.painted(8000);
    clock.advance(7700);
    inbox.putBack();
    expect(inbox.take()).toMatchObject({ resumed: true, leftMs: 4000 });
    inbox.screen.painted(8000);
    clock.advance(3700);
    inbox.putBack();
    expect(inbox.take()).toBeUndefined();
    expect(inbox.isIdle).toBe(true);
  });

  it('goes on with it during a pause, and with nothing else', () => {
    const { inbox, store, clock, hear, tip } = begun();
    inbox.screen.painted(8000);
    hear(aTipFrame(2));
    const next = aPage({ store, clock });
    next.inbox.hold(true);
    next.inbox.resume({ head: 1 }, at(1));
    expect(next.inbox.take()?.alert).toMatchObject({ id: tip.id });
    next.inbox.screen.done();
    expect(next.inbox.take()).toBeUndefined();
  });
});

describe('a tier that merges, beside what was missed', () => {
  it('keeps what comes live apart from what is still to be judged', () => {
    const { inbox, hear, play } = aPage({ rule: { mode: 'manual' }, placeOf: () => ({ id: 'merged', queue: 'mergeSame' }) });
    hear(aTipFrame(1));
    inbox.take();
    inbox.setOnAir(false);
    hear(...tips(2, 2));
    inbox.setOnAir(true);
    const live = aTipFrame(4);
    hear(live);
    inbox.screen.done();
    expect(play()).toEqual([live.id]);
  });
});
