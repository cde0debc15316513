import { DEFAULT_OVERLAY_CONFIG, type WidgetOptions } from '@droppio/tips';
import { describe, expect, it } from 'vitest';
import { GoalMemory } from './goal-memory.js';

class Shelf {
  readonly texts = new Map<string, string>();
  isFull = false;
  getItem(key: string): string | null {
    return this.texts.get(key) ?? null;
  }
  setItem(key: string, text: string): void {
    if (this.isFull) throw new Error('QuotaExceededError');
    this.texts.set(key, text);
  }
}

const options: WidgetOptions = { ...DEFAULT_OVERLAY_CONFIG, widget: 'goal' };
const other: WidgetOptions = { ...options, goal: { ...options.goal, target: '200.00' } };

describe(GoalMemory.name, () => {
  it('makes news of a goal once, over reloads, and also when a reorg takes it back in between', () => {
    const shelf = new Shelf();
    const told = [false, true, true, false, true].map((isReached) => new GoalMemory(shelf, 'k').isNews(options, isReached));
    expect(told).toEqual([false, true, false, false, false]);
  });

  it('makes no news of a goal that was reached before this page came', () => {
    const memory = new GoalMemory(new Shelf(), 'k');
    expect([memory.isNews(options, true), memory.isNews(options, true)]).toEqual([false, false]);
  });

  it('makes news of the next goal, and none of another title', () => {
    const memory = new GoalMemory(new Shelf(), 'k');
    const told = [memory.isNews(options, false), memory.isNews(options, true), memory.isNews(other, false), memory.isNews(other, true)];
    expect(told).toEqual([false, true, false, true]);
    expect(memory.isNews({ ...other, goal: { ...other.goal, title: 'Renamed' } }, true)).toBe(false);
  });

  it('holds without a shelf, and with a full one, as long as the page lives', () => {
    const full = new Shelf();
    full.isFull = true;
    for (const shelf of [undefined, full]) {
      const memory = new GoalMemory(shelf, 'k');
      expect([false, true, true].map((isReached) => memory.isNews(options, isReached))).toEqual([false, true, false]);
    }
  });
});
