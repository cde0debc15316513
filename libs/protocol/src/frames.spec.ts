import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLIENT_FRAME_MAX_BYTES, parseClientFrame, type ClientFrame } from './client-frames.js';
import { parsePollAnswer } from './http-frames.js';
import { parseServerFrame, type EventFrame, type ServerFrame } from './server-frames.js';

const seq = fc.nat();
const text = fc.string({ unit: 'binary', maxLength: 280 });
const amount = fc.record({
  raw: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map(String),
  decimals: fc.nat(36),
  symbol: text,
  chainId: fc.nat(),
  token: fc.constant(`0x${'00'.repeat(20)}`),
});
const d = fc.record({ tipId: text, name: text, from: text, amount, message: text, txHash: text });
const config = fc.record({ schemaVersion: fc.constant(1 as const), durationMs: fc.nat() });
const at = fc.record({ block: fc.nat(), seen: fc.nat(), pub: fc.nat() }, { requiredKeys: ['seen'] });
const op = fc.constant('event' as const);
const carried = { op, seq, id: text, at, ttlMs: fc.nat() };

const events: fc.Arbitrary<EventFrame> = fc.oneof(
  fc.record({ ...carried, type: fc.constantFrom('tip', 'tip.updated', 'tip.retracted'), state: text, rev: fc.nat(), d }),
  fc.record({ ...carried, replay: fc.boolean(), type: fc.constant('tip'), state: text, rev: fc.nat(), d }),
  fc.record({ ...carried, type: fc.constant('test'), d }),
  fc.record({ ...carried, type: fc.constant('config'), d: fc.record({ overlayId: text, config }) }),
  fc.record({ ...carried, type: fc.constant('control'), d: fc.record({ action: text }) }),
  fc.record({
    op,
    seq,
    from: seq,
    type: fc.constant('summary'),
    replay: fc.boolean(),
    d: fc.record(
      { tips: fc.nat(), totals: fc.array(amount), newest: fc.array(fc.record({ id: text, raw: text, total: fc.nat() })) },
      { requiredKeys: ['tips', 'totals'] },
    ),
  }),
  fc.record({ op, seq, from: seq, type: fc.constant('skip') }),
);
const serverFrames: fc.Arbitrary<ServerFrame> = fc.oneof(
  events,
  fc.record({ op: fc.constant('hello'), v: fc.constant(1 as const), sid: text, pingMs: fc.nat() }),
  fc.record({ op: fc.constant('ready'), epoch: text, head: seq, from: seq, recovered: fc.boolean(), config }),
  fc.record({ op: fc.constant('ping'), head: seq, degraded: fc.boolean() }, { requiredKeys: ['op', 'head'] }),
  fc.record({ op: fc.constant('move'), afterMs: fc.nat(), graceMs: fc.nat(), why: text }),
  fc.record({ op: fc.constant('gap'), from: seq, to: seq }),
);
const clientFrames: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record(
    {
      op: fc.constant('auth'),
      token: fc.string({ maxLength: 128 }),
      cursor: fc.record({ epoch: fc.string({ maxLength: 32 }), seq }),
      client: fc.string({ maxLength: 64 }),
    },
    { requiredKeys: ['op', 'token'] },
  ),
  fc.record({ op: fc.constant('pong') }),
  fc.record({ op: fc.constant('shown'), seq, ms: fc.nat(86_400_000) }),
);

describe('every frame', () => {
  it('of the server comes through the wire unchanged', () => {
    fc.assert(
      fc.property(serverFrames, (frame) => {
        expect(parseServerFrame(JSON.stringify(frame))).toEqual(frame);
      }),
    );
  });

  it('of a client comes through the wire unchanged', () => {
    fc.assert(
      fc.property(clientFrames, (frame) => {
        expect(parseClientFrame(JSON.stringify(frame))).toEqual(frame);
      }),
    );
  });
});

describe(parseClientFrame.name, () => {
  it('takes anything at all without throwing, and leaves no mark on objects', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (anything) => {
        parseClientFrame(anything);
      }),
    );
    parseClientFrame('{"op":"auth","token":"x","__proto__":{"polluted":true}}');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it.each([
    ['a field that is not ours', { op: 'pong', more: 1 }],
    ['an unknown op', { op: 'subscribe' }],
    ['no op', {}],
    ['a list', []],
    ['a token beyond any of ours', { op: 'auth', token: 'x'.repeat(513) }],
    ['a negative cursor', { op: 'auth', token: 'x', cursor: { epoch: 'a', seq: -1 } }],
    ['a fractional cursor', { op: 'auth', token: 'x', cursor: { epoch: 'a', seq: 1.5 } }],
    ['a cursor beyond whole numbers', { op: 'auth', token: 'x', cursor: { epoch: 'a', seq: 1e300 } }],
    ['a time longer than a day', { op: 'shown', seq: 1, ms: 86_400_001 }],
  ])('refuses %s', (_, frame) => {
    expect(parseClientFrame(JSON.stringify(frame))).toBeUndefined();
  });

  it('refuses what is longer than a frame may be, and broken JSON', () => {
    expect(parseClientFrame(`{"op":"pong"}${' '.repeat(CLIENT_FRAME_MAX_BYTES)}`)).toBeUndefined();
    expect(parseClientFrame('{"op":"pong"')).toBeUndefined();
    expect(parseClientFrame('['.repeat(4000))).toBeUndefined();
  });
});

describe(parseServerFrame.name, () => {
  it('ignores what a newer server may say', () => {
    expect(parseServerFrame('{"op":"fireworks"}')).toBeUndefined();
    expect(parseServerFrame('{"op":"ping","head":3,"mood":"fine"}')).toEqual({ op: 'ping', head: 3 });
    // As the names in a summary once were news.
    const summary = { op: 'event', type: 'summary', seq: 3, d: { tips: 1, totals: [] } };
    expect(parseServerFrame(JSON.stringify({ ...summary, d: { ...summary.d, oldest: ['a'] } }))).toEqual(summary);
  });
});

describe('an event that this version cannot read', () => {
  const event = { op: 'event', seq: 7 };

  it.each([
    ['of a newer type', { ...event, type: 'raid', d: {} }],
    [
      'with a field that does not fit',
      { ...event, from: 5, type: 'tip', id: 'a', at: { seen: 1 }, ttlMs: 1, state: 'x', rev: 'one', d: {} },
    ],
  ])('keeps its place in the order: %s', (_, frame) => {
    const skip = { ...event, type: 'skip', ...('from' in frame && { from: frame.from }) };
    expect(parseServerFrame(JSON.stringify(frame))).toEqual(skip);
    expect(parsePollAnswer(JSON.stringify({ frames: [frame, { op: 'later' }] }))?.frames).toEqual([skip]);
  });

  it('is nothing where it has no place', () => {
    for (const frame of [{ op: 'event' }, { op: 'event', seq: -1 }, { op: 'news', seq: 3 }, null, 3])
      expect(parseServerFrame(JSON.stringify(frame))).toBeUndefined();
  });
});
