import type { AuthFrame, ServerFrame } from '@droppio/protocol';
import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { EventStreamTransport } from './event-stream-transport.js';
import type { FetchLike } from './http-way.js';
import { LongPollTransport } from './long-poll-transport.js';
import { settle } from './testing/scripted-transport.js';
import type { Closing, Transport } from './transport.js';

const GATEWAY = 'wss://tips.example/prefix/overlay/';
const auth = (): AuthFrame => ({ op: 'auth', token: 'dro_ov_secret', cursor: { epoch: 'e+1', seq: 7 } });

/** Answers as it is told, and remembers what it was asked. */
function aServer(...answers: (() => Response)[]) {
  const asked: { url: string; authorization: string | undefined; signal: AbortSignal }[] = [];
  const fetch: FetchLike = (url, { headers, signal }) => {
    asked.push({ url, authorization: headers['authorization'], signal });
    const answer = answers[asked.length - 1];
    return answer === undefined ? new Promise(() => undefined) : Promise.resolve(answer());
  };
  return { asked, fetch };
}

function open(transport: Transport) {
  const frames: ServerFrame[] = [];
  const closings: Closing[] = [];
  const link = transport.open(auth, { frame: (frame) => frames.push(frame), closed: (closing) => closings.push(closing) });
  return { link, frames, closings };
}

const transports: [string, (fetch: FetchLike) => Transport, string][] = [
  ['sse', (fetch) => new EventStreamTransport(GATEWAY, fetch), 'https://tips.example/prefix/overlay/events?epoch=e%2B1&seq=7'],
  ['poll', (fetch) => new LongPollTransport(GATEWAY, { fetch }), 'https://tips.example/prefix/overlay/poll?wait=0&epoch=e%2B1&seq=7'],
];

describe.each(transports)('%s', (name, make, url) => {
  it('asks beside the WebSocket of the gateway, with the place in the URL and the token in a header', async () => {
    const { asked, fetch } = aServer();
    open(make(fetch));
    await settle();
    expect(asked).toMatchObject([{ url, authorization: 'Bearer dro_ov_secret' }]);
  });

  it('keeps what the address of the gateway says besides', async () => {
    const { asked, fetch } = aServer();
    open(
      name === 'sse' ? new EventStreamTransport(`${GATEWAY}?creator=c`, fetch) : new LongPollTransport(`${GATEWAY}?creator=c`, { fetch }),
    );
    await settle();
    expect(asked[0]?.url).toBe(url.replace('?', '?creator=c&'));
  });

  it.each([
    [503, '7', { code: 4008, why: 'status 503', retryMs: 7000 }],
    [429, null, { code: 4008, why: 'status 429' }],
    [503, 'Wed, 21 Oct 2026 07:28:00 GMT', { code: 4008, why: 'status 503' }],
    [403, null, { code: 1006, why: 'status 403' }],
    [502, '5', { code: 1006, why: 'status 502' }],
    [204, null, { code: 1006, why: 'status 204' }],
  ])('takes %s (Retry-After: %s) as that', async (status, retryAfter, closing) => {
    const headers = new Headers(retryAfter === null ? {} : { 'retry-after': retryAfter });
    const { closings } = open(make(aServer(() => new Response(null, { status, headers })).fetch));
    await settle();
    expect(closings).toEqual([closing]);
  });

  it('takes a page that somebody else answers with for a broken line', async () => {
    const { closings, frames } = open(make(aServer(() => new Response('<html>Please log in\n\n</html>')).fetch));
    await settle();
    expect([closings.map(({ code }) => code), frames]).toEqual([[1006], []]);
  });

  it('ends its question when it is let go', async () => {
    const { asked, fetch } = aServer();
    const { link } = open(make(fetch));
    await settle();
    link.close(1000, 'enough');
    expect(asked[0]?.signal.aborted).toBe(true);
  });
});

describe(EventStreamTransport.name, () => {
  it('reads frames however the stream is cut into pieces, and whatever ends its lines', async () => {
    const text =
      'retry: 3000\r\n\r\nid: e.1\r\ndata: {"op":"ping","head":1}\r\n\r\ndata:{"op":"gap","from":1,"to":2}\n\n: comment\n\ndata: {"op":"new"}\n\n';
    const ending = 'retry: 10\nevent: close\ndata: {"code":4001,"reason":{"r":"dräin","retryMs":10}}\n\ndata: {"op":"ping","head":9}\n\n';
    for (const size of [1, 2, 7, 1000]) {
      const bytes = new TextEncoder().encode(text + ending);
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size));
      const stream = new ReadableStream<Uint8Array>({
        start: (controller) => {
          for (const piece of pieces) controller.enqueue(piece);
          controller.close();
        },
      });
      const { frames, closings } = open(new EventStreamTransport(GATEWAY, aServer(() => new Response(stream)).fetch));
      for (let i = 0; i < 1000 && closings.length === 0; i += 1) await settle();
      expect(frames).toEqual([
        { op: 'ping', head: 1 },
        { op: 'gap', from: 1, to: 2 },
      ]);
      expect(closings).toEqual([{ code: 4001, why: 'dräin', retryMs: 10 }]);
    }
  });

  it('does not gather for ever what has no end', async () => {
    const { closings } = open(new EventStreamTransport(GATEWAY, aServer(() => new Response('x'.repeat(2_000_000))).fetch));
    for (let i = 0; i < 1000 && closings.length === 0; i += 1) await settle();
    expect(closings).toEqual([{ code: 1006 }]);
  });
});

describe(LongPollTransport.name, () => {
  it('asks a second time at once and then not more than once a second, whatever it is answered', async () => {
    const clock = new ManualClock();
    const answers = Array.from({ length: 10 }, () => () => new Response('{"frames":[]}'));
    const { asked, fetch } = aServer(...answers);
    const { link } = open(new LongPollTransport(GATEWAY, { fetch, clock }));
    await settle();
    expect(asked.map(({ url }) => new URL(url).searchParams.get('wait'))).toEqual(['0', null]);
    for (let polls = 3; polls < 6; polls += 1) {
      clock.advance(999);
      await settle();
      expect(asked).toHaveLength(polls - 1);
      clock.advance(1);
      await settle();
      expect(asked).toHaveLength(polls);
    }
    link.close(1000, 'enough');
    clock.advance(5000);
    await settle();
    expect(asked).toHaveLength(5);
  });
});
