import { EVENTS_PATH, parseClosingNote, parseServerFrame, type AuthFrame, type ServerFrame } from '@droppio/protocol';
import { ask, broken, closingOf, ownFetch, refusal, type FetchLike } from './http-way.js';
import type { Closing, LinkListener, Transport, TransportLink } from './transport.js';

/** Text without the end of an event in it: more is no stream of ours. */
const EVENT_MAX_CHARS = 1_048_576;

/** Server-sent events, for networks that break WebSockets. One way: what is sent is dropped, so nothing shown is reported. */
export class EventStreamTransport implements Transport {
  readonly name = 'sse';

  /** `gateway`: the address of its WebSocket. */
  constructor(
    private readonly gateway: string,
    private readonly fetch: FetchLike = ownFetch,
  ) {}

  open(auth: () => AuthFrame, listener: LinkListener): TransportLink {
    const life = new AbortController();
    void this.read(auth, listener, life);
    return {
      send: () => undefined,
      close: () => {
        life.abort();
      },
    };
  }

  /** By `fetch`, not `EventSource`: that one could not send the token in a header, and comes back when it likes. */
  private async read(auth: () => AuthFrame, listener: LinkListener, life: AbortController): Promise<void> {
    const pass = (frame: ServerFrame): void => {
      if (!life.signal.aborted) listener.frame(frame);
    };
    let closing: Closing;
    try {
      const response = await ask(this.fetch, { gateway: this.gateway, path: EVENTS_PATH }, auth(), life.signal);
      closing = response.status === 200 ? await hear(response, pass, life.signal) : refusal(response);
    } catch (error) {
      closing = broken(error);
    }
    if (life.signal.aborted) return;
    life.abort();
    listener.closed(closing);
  }
}

/** Passes frames on until the stream ends; answers how it ended. */
async function hear({ body }: Response, pass: (frame: ServerFrame) => void, signal: AbortSignal): Promise<Closing> {
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const chunk = await reader?.read();
    if (chunk?.value === undefined || signal.aborted) return broken();
    text = (text + decoder.decode(chunk.value, { stream: true })).replaceAll('\r\n', '\n');
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    if (text.length > EVENT_MAX_CHARS) return broken();
    for (const block of blocks) {
      const data = fieldOf(block, 'data');
      if (data === undefined) continue;
      const note = fieldOf(block, 'event') === 'close' ? parseClosingNote(data) : undefined;
      if (note !== undefined) return closingOf(note);
      const frame = parseServerFrame(data);
      if (frame !== undefined) pass(frame);
    }
  }
}

/** The gateway writes each field on one line. */
function fieldOf(block: string, name: string): string | undefined {
  return new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1];
}
