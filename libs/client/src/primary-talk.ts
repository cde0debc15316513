import type { Clock } from '@droppio/tips';
import type { PageChannel } from './primary-lease.js';

export interface TalkSurroundings {
  readonly channel: PageChannel;
  readonly clock: Clock;
  readonly random: () => number;
  readonly changed: () => void;
}

const SAY_EVERY_MS = 1000;
/** Several words may be lost, and browsers slow the clocks of hidden pages down. */
const SILENT_MS = 3500;
/** Whoever is there has answered by then. */
const ANSWER_MS = 150;

interface Word {
  readonly id: number;
  readonly isOnAir: boolean;
  readonly isGoing: boolean;
}

/**
 * Which of the pages of an overlay is the primary where there are no locks: they tell each other every second that they are here. Of those on the air
 * the one with the lowest number is it, of all of them where none is. A page that ends says so, or is silent for long.
 */
export class PrimaryTalk {
  private readonly id: number;
  private readonly peers = new Map<number, { readonly isOnAir: boolean; readonly heardAt: number }>();
  private isOnAir = false;
  private isSettled = false;
  private was = false;

  constructor(private readonly around: TalkSurroundings) {
    this.id = around.random();
    around.channel.addEventListener('message', ({ data }) => {
      if (isWord(data)) this.hear(data);
    });
  }

  get isPrimary(): boolean {
    return this.isSettled && ![...this.peers].some(([id, peer]) => (peer.isOnAir === this.isOnAir ? id < this.id : peer.isOnAir));
  }

  /** Talks from now on, until aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.around;
    this.say();
    await clock.sleep(ANSWER_MS, signal);
    this.isSettled = true;
    while (!signal.aborted) {
      this.say();
      this.forget(clock.now() - SILENT_MS);
      this.look();
      await clock.sleep(SAY_EVERY_MS, signal);
    }
  }

  setOnAir(isOnAir: boolean): void {
    this.isOnAir = isOnAir;
    this.say();
    this.look();
  }

  /** The page ends. */
  leave(): void {
    this.isSettled = false;
    this.say(true);
  }

  private hear({ id, isOnAir, isGoing }: Word): void {
    const isNew = !this.peers.has(id);
    if (isGoing) this.peers.delete(id);
    else this.peers.set(id, { isOnAir, heardAt: this.around.clock.now() });
    // Whoever has just come knows of nobody.
    if (isNew && !isGoing) this.say();
    this.look();
  }

  private forget(before: number): void {
    for (const [id, { heardAt }] of this.peers) if (heardAt < before) this.peers.delete(id);
  }

  private say(isGoing = false): void {
    const word: Word = { id: this.id, isOnAir: this.isOnAir, isGoing };
    this.around.channel.postMessage(word);
  }

  private look(): void {
    const { isPrimary } = this;
    if (isPrimary === this.was) return;
    this.was = isPrimary;
    this.around.changed();
  }
}

function isWord(data: unknown): data is Word {
  if (typeof data !== 'object' || data === null) return false;
  return 'id' in data && typeof data.id === 'number' && 'isOnAir' in data && typeof data.isOnAir === 'boolean' && 'isGoing' in data;
}
