import { ManualClock } from '@droppio/tips/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryCursorStore } from './cursor-store.js';
import { aPage, at } from './testing/inbox-page.js';
import { aTipFrame } from './testing/scripted-transport.js';

const RARE = ['kill', 'kill unpainted', 'gone for long', 'hidden for long', 'cut', 'hide', 'show', 'wait', 'wait a little'] as const;
type Step = 'tip' | 'play' | (typeof RARE)[number];
const PASS_MS: Partial<Record<Step, number>> = { wait: 400_000, 'wait a little': 20_000 };
/** As few as `aPage` lets play one by one. */
const MOST = 3;
const LONG_MS = 10_000;

/** One overlay's story over all lives of its page, and what viewers had of it. */
class Story {
  readonly log: ReturnType<typeof aTipFrame>[] = [];
  readonly begun: string[] = [];
  inCards = 0;
  private readonly store = new MemoryCursorStore();
  private readonly clock = new ManualClock();
  private readonly unpainted = new Set<string>();
  private page = aPage({ store: this.store, clock: this.clock });
  /** While the page is out of sight: since when. */
  private hiddenAt: number | undefined;
  /** After an absence: of those that had come by then, so many may still play by themselves. */
  private allowed: { readonly upTo: number; left: number } | undefined;

  constructor() {
    this.arrive();
  }

  does(step: Step): void {
    this.clock.advance(PASS_MS[step] ?? 500);
    switch (step) {
      case 'tip':
        this.log.push(aTipFrame(this.log.length + 1, { at: { seen: this.clock.now() } }));
        this.page.hear(...this.log.slice(-1));
        break;
      case 'play':
        this.play('done');
        break;
      case 'hide':
      case 'show':
        this.show(step === 'show');
        break;
      case 'hidden for long':
        this.show(false);
        this.clock.advance(20_000);
        this.show(true);
        break;
      case 'cut':
        this.allowed = undefined;
        this.page.inbox.interrupt();
        this.arrive();
        break;
      case 'kill':
      case 'kill unpainted':
      case 'gone for long':
        this.kill(step);
        break;
      case 'wait':
      case 'wait a little':
        break;
    }
  }

  end(): void {
    this.show(true);
    for (let i = 0; i <= this.log.length; i += 1) this.play('done');
  }

  private arrive(): void {
    this.page.inbox.setOnAir(this.hiddenAt === undefined);
    const cursor = this.page.inbox.cursor ?? at(0);
    this.page.inbox.resume({ head: this.log.length }, cursor);
    this.page.hear(...this.log.slice(cursor.seq).map((frame) => ({ ...frame, replay: true })));
  }

  private show(isShown: boolean): void {
    const now = this.clock.now();
    if (!isShown) this.allowed = undefined;
    else if (this.hiddenAt !== undefined && now - this.hiddenAt >= LONG_MS) this.allow();
    this.hiddenAt = isShown ? undefined : (this.hiddenAt ?? now);
    this.page.inbox.setOnAir(isShown);
  }

  private kill(how: 'kill' | 'kill unpainted' | 'gone for long'): void {
    this.allowed = undefined;
    this.play(how === 'kill unpainted' ? 'unpainted' : 'painted');
    if (how === 'gone for long') {
      this.clock.advance(20_000);
      if (this.hiddenAt === undefined) this.allow();
    }
    if (this.hiddenAt !== undefined) this.hiddenAt = this.clock.now();
    this.page = aPage({ store: this.store, clock: this.clock });
    this.arrive();
  }

  private play(end: 'done' | 'painted' | 'unpainted'): void {
    const { inbox } = this.page;
    const showing = inbox.take();
    if (showing === undefined) return;
    const { alert, resumed } = showing;
    if (end === 'unpainted') {
      if (alert.kind === 'tip') this.unpainted.add(alert.id);
      return;
    }
    if (!resumed && alert.kind === 'tip') this.begins(alert);
    if (!resumed && alert.kind === 'digest') this.inCards += alert.tips;
    inbox.screen.painted(8000);
    inbox.screen.halfSeen();
    if (end === 'done') inbox.screen.done();
  }

  private begins({ id, seq }: { readonly id: string; readonly seq: number }): void {
    this.begun.push(id);
    // What had been taken before it went on is no news, and no part of what was missed.
    if (this.allowed === undefined || seq > this.allowed.upTo || this.unpainted.has(id)) return;
    this.allowed.left -= 1;
    expect(this.allowed.left).toBeGreaterThanOrEqual(0);
  }

  private allow(): void {
    this.allowed = { upTo: this.log.length, left: MOST };
  }
}

describe('over any story of tips, kills, losses of link and of sight', () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 10, arbitrary: fc.constant('tip' as const) },
    { weight: 6, arbitrary: fc.constant('play' as const) },
    { weight: 2, arbitrary: fc.constantFrom(...RARE) },
  );

  it('every tip is shown once, by itself or counted in one card, and after an absence no more by themselves than the rule says', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const story = new Story();
        for (const each of steps) story.does(each);
        story.end();
        expect(new Set(story.begun).size).toBe(story.begun.length);
        expect(story.begun.length + story.inCards).toBe(story.log.length);
      }),
      { numRuns: 300 },
    );
  });
});
