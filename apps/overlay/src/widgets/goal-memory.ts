import type { TextStorage } from '@droppio/client';
import { widgetQuestion, type GoalOptions, type WidgetOptions } from '@droppio/tips';

/** Remembers over reloads whether a goal was seen open or reached, so that it is celebrated once and never again. */
export class GoalMemory {
  private word: string | undefined;

  constructor(
    private readonly storage: TextStorage | undefined,
    private readonly key: string,
  ) {}

  /**
   * True when the goal is reached and this page has seen it open before: it is noted before anybody celebrates. A goal that was reached before
   * this page ever saw it is no news.
   */
  isNews(options: WidgetOptions, isReached: boolean): boolean {
    const goal = idOf(options);
    const [known, state] = splitAtLast(this.load());
    if (known === goal && state === 'reached') return false;
    const next = isReached ? 'reached' : 'open';
    if (known !== goal || state !== next) this.save(`${goal} ${next}`);
    return isReached && known === goal;
  }

  private load(): string {
    if (this.word !== undefined) return this.word;
    try {
      return this.storage?.getItem(this.key) ?? '';
    } catch {
      return '';
    }
  }

  private save(word: string): void {
    this.word = word;
    try {
      this.storage?.setItem(this.key, word);
    } catch {
      // Full or forbidden: the memory copy keeps this page right until its next reload.
    }
  }
}

/** Another target or another beginning is another goal; another title is not. */
function idOf(options: WidgetOptions): string {
  const { target, start }: GoalOptions = options.goal;
  return `${widgetQuestion({ ...options, widget: 'goal' }) ?? ''} ${start} ${target}`;
}

function splitAtLast(word: string): readonly [string, string] {
  const at = word.lastIndexOf(' ');
  return [word.slice(0, Math.max(0, at)), word.slice(at + 1)];
}
