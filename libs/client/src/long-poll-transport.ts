import { parsePollAnswer, POLL_PATH, type AuthFrame } from '@droppio/protocol';
import type { Clock } from '@droppio/tips';
import { ask, broken, closingOf, ownFetch, refusal, type FetchLike } from './http-way.js';
import type { Closing, LinkListener, Transport, TransportLink } from './transport.js';
import { WallClock } from './wall-clock.js';

/** From one question to the next, at least: what comes meanwhile is in the next answer. */
const PACE_MS = 1000;

/**
 * One question after another, for networks that hold back whatever does not end. Each one says where this client is, so each is admitted
 * anew and begins with `hello` and `ready`. The first does not wait, to learn the overlay's config at once.
 */
export class LongPollTransport implements Transport {
  readonly name = 'poll';
  private readonly fetch: FetchLike;
  private readonly clock: Clock;

  /** `gateway`: the address of its WebSocket. */
  constructor(
    private readonly gateway: string,
    { fetch = ownFetch, clock = new WallClock() }: { readonly fetch?: FetchLike; readonly clock?: Clock } = {},
  ) {
    this.fetch = fetch;
    this.clock = clock;
  }

  open(auth: () => AuthFrame, listener: LinkListener): TransportLink {
    const life = new AbortController();
    void this.poll(auth, listener, life);
    return {
      send: () => undefined,
      close: () => {
        life.abort();
      },
    };
  }

  private async poll(auth: () => AuthFrame, listener: LinkListener, life: AbortController): Promise<void> {
    let closing: Closing | undefined;
    for (let polls = 0; closing === undefined && !life.signal.aborted; polls += 1) {
      const askedAt = this.clock.now();
      closing = await this.once(auth, listener, life.signal, polls === 0 ? 'wait=0' : '');
      // The second question follows the first at once: it was answered without waiting.
      if (closing === undefined && polls > 0) await this.clock.sleep(askedAt + PACE_MS - this.clock.now(), life.signal);
    }
    if (life.signal.aborted) return;
    life.abort();
    listener.closed(closing ?? broken());
  }

  /** How it ended, if this answer was the last one. */
  private async once(auth: () => AuthFrame, listener: LinkListener, signal: AbortSignal, query: string): Promise<Closing | undefined> {
    try {
      const response = await ask(this.fetch, { gateway: this.gateway, path: POLL_PATH, query }, auth(), signal);
      if (response.status !== 200) return refusal(response);
      const answer = parsePollAnswer(await response.text());
      if (answer === undefined) return broken();
      for (const frame of answer.frames) if (!signal.aborted) listener.frame(frame);
      return answer.close === undefined ? undefined : closingOf(answer.close);
    } catch (error) {
      return broken(error);
    }
  }
}
