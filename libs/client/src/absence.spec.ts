import type { EventFrame } from '@droppio/protocol';
import { aDisplay } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import type { CatchUpRule } from './catch-up.js';
import { MemoryCursorStore } from './cursor-store.js';
import { aPage, at, idsOf, tips } from './testing/inbox-page.js';
import { aTipFrame } from './testing/scripted-transport.js';

describe('what waited when nobody could see the page any more', () => {
  const rule = { maxAlerts: 10 };
  const MINUTES = 300_000;
  /** The next life of the page, in sight; `frames` are all that ever came. */
  const next = (page: ReturnType<typeof aPage>, frames: readonly EventFrame[], change: Partial<CatchUpRule> = {}) => {
    const back = aPage({ rule: { ...rule, ...change }, store: page.store, clock: page.clock });
    const { seq } = back.inbox.cursor ?? at(0);
    back.inbox.resume({ head: frames.length }, at(seq));
    back.hear(...frames.slice(seq).map((frame) => ({ ...frame, replay: true })));
    return back;
  };

  it.each([
    ['a reload, of which the browser says that it hides the page', true],
    ['a crash', false],
  ])('plays on after %s', (_name, isTold) => {
    const page = aPage({ rule });
    const frames = tips(15);
    page.hear(...frames);
    if (isTold) page.inbox.setOnAir(false);
    page.clock.advance(1500);
    expect(next(page, frames).play()).toEqual(idsOf(frames));
  });

  it('plays on after a reload in a pause that was longer, and when it is loaded out of sight for a moment', () => {
    const page = aPage({ rule });
    const frames = tips(15);
    page.inbox.hold(true);
    page.hear(...frames);
    page.clock.advance(MINUTES);
    page.inbox.setOnAir(false);
    page.clock.advance(1500);
    const back = aPage({ rule, store: page.store, clock: page.clock });
    back.inbox.setOnAir(false);
    back.inbox.resume({ head: 15 }, at(0));
    back.hear(...frames.map((frame) => ({ ...frame, replay: true })));
    page.clock.advance(1000);
    back.inbox.setOnAir(true);
    expect(back.play()).toEqual(idsOf(frames));
  });

  it('plays on after two seconds, and what came in these is judged by itself', () => {
    const { inbox, hear, play, clock } = aPage({ rule });
    const frames = tips(14);
    hear(...frames.slice(0, 12));
    inbox.setOnAir(false);
    hear(...frames.slice(12));
    clock.advance(2000);
    inbox.setOnAir(true);
    expect(play()).toEqual(idsOf(frames));
  });

  it.each(['hidden', 'loaded anew to be shown', 'loaded anew in the dark'])(
    'is one card with what was missed after five minutes (%s)',
    (how) => {
      const page = aPage({ rule });
      const frames = tips(25);
      page.hear(...frames.slice(0, 15));
      page.inbox.setOnAir(false);
      page.hear(...frames.slice(15));
      page.clock.advance(MINUTES);
      if (how === 'hidden') {
        page.inbox.setOnAir(true);
        expect(page.play()).toEqual(['digest of 25']);
        return;
      }
      const back = next(page, frames);
      if (how.endsWith('dark')) {
        back.inbox.setOnAir(false);
        back.clock.advance(MINUTES);
        back.inbox.setOnAir(true);
      }
      expect(back.play()).toEqual(['digest of 25']);
    },
  );

  it('is one card after five minutes without a page, too, which only the clock has noticed', () => {
    const page = aPage({ rule });
    const frames = tips(25);
    page.hear(...frames.slice(0, 15));
    page.clock.advance(MINUTES);
    expect(next(page, frames).play()).toEqual(['digest of 25']);
  });

  it('plays where that and what was missed are few', () => {
    const { inbox, hear, play, clock } = aPage({ rule });
    const frames = tips(10);
    hear(...frames.slice(0, 5));
    inbox.setOnAir(false);
    hear(...frames.slice(5));
    clock.advance(MINUTES);
    inbox.setOnAir(true);
    expect(play()).toEqual(idsOf(frames));
  });

  it('plays where nothing missed is played, for it was not', () => {
    const manual = { mode: 'manual' } as const;
    const page = aPage({ rule: manual });
    const frames = tips(4);
    page.hear(...frames.slice(0, 2));
    page.inbox.setOnAir(false);
    page.hear(...frames.slice(2));
    page.clock.advance(MINUTES);
    const copy = new MemoryCursorStore();
    copy.save(page.store.load());
    page.inbox.setOnAir(true);
    expect(page.play()).toEqual(idsOf(frames.slice(0, 2)));
    expect(next({ ...page, store: copy }, frames, manual).play()).toEqual(idsOf(frames.slice(0, 2)));
  });

  it.each([
    [1000, 5, ['digest of 9']],
    [20_000, 5, 9],
    [20_000, 7, ['digest of 11']],
  ])('is judged with what was missed before and had no time to play: %i ms of sight lost twice, %i more', (hiddenMs, more, expected) => {
    const { inbox, hear, play, clock } = aPage({ rule });
    for (const [from, count] of [[1, 7] as const, [8, more] as const]) {
      inbox.setOnAir(false);
      hear(...tips(count, from));
      clock.advance(hiddenMs);
      inbox.setOnAir(true);
      if (from > 1) break;
      for (let taken = 0; taken < 3; taken += 1) {
        inbox.take();
        inbox.screen.done();
      }
    }
    const played = play();
    expect(typeof expected === 'number' ? played.length : played).toEqual(expected);
  });

  it('counts those that go before others, and has them in the card only where they alone are too many', () => {
    const missed = (jumpers: number) => {
      const placeOf = ({ view }: { view: { message: string } }) =>
        view.message === 'jump' ? { id: 'jump', queue: 'jump' as const } : undefined;
      const { inbox, hear, play } = aPage({ rule, placeOf });
      const frames = Array.from({ length: jumpers }, (_, n) => aTipFrame(n + 1, { d: aDisplay({ message: 'jump' }) }));
      inbox.setOnAir(false);
      hear(...frames, ...tips(8, jumpers + 1));
      inbox.setOnAir(true);
      return { frames, played: play() };
    };
    const few = missed(3);
    expect(few.played).toEqual([...idsOf(few.frames), 'digest of 8']);
    expect(missed(11).played).toEqual(['digest of 19']);
  });

  it('stands as it was written down until anything has come', () => {
    const store = new MemoryCursorStore();
    store.save({ cursor: at(3), received: 9 });
    const { inbox } = aPage({ store });
    inbox.setOnAir(false);
    inbox.setOnAir(true);
    expect(store.load()).toMatchObject({ cursor: at(3), received: 9 });
  });
});
