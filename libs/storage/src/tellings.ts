import type { Committed } from '@droppio/tips';
import * as z from 'zod';

/** What every statement that tells of tips answers. */
export const Told = z.object({ creators: z.array(z.string()), unscreened: z.array(z.string()) });
export type Told = z.output<typeof Told>;

/** Gathers what several statements of one commit answered. */
export class Tellings {
  private readonly told = new Set<string>();
  private readonly unscreened = new Set<string>();

  constructor(...answers: readonly Told[]) {
    for (const answer of answers) this.add(answer);
  }

  add({ creators, unscreened = [] }: Pick<Committed, 'creators' | 'unscreened'>): this {
    for (const creator of creators) this.told.add(creator);
    for (const creator of unscreened) this.unscreened.add(creator);
    return this;
  }

  get creators(): readonly string[] {
    return [...this.told].sort();
  }

  /** For an outcome: absent when nobody's tips wait to be screened. */
  get waiting(): { readonly unscreened?: readonly string[] } {
    return this.unscreened.size === 0 ? {} : { unscreened: [...this.unscreened].sort() };
  }

  get outcome(): Committed {
    return { kind: 'committed', creators: this.creators, ...this.waiting };
  }
}
