import { MemoryBrokerModule } from '@droppio/broker';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GatewayHouse } from './testing/gateway-house.js';
import { RawSocket, type RawFrame } from './testing/raw-socket.js';

const TEXT = 1;
const PING = 9;
const CLOSE = 8;
const code = (value: number, reason: string | Buffer = ''): Buffer => {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(value);
  return Buffer.concat([head, Buffer.from(reason)]);
};
const pieces = (count: number, payload: string): RawFrame[] =>
  Array.from({ length: count }, (_, i) => ({ opcode: i === 0 ? TEXT : 0, fin: false, payload }));

let house: GatewayHouse;
let raw: RawSocket | undefined;
beforeAll(async () => {
  house = await GatewayHouse.start({ broker: MemoryBrokerModule });
});
afterEach(() => raw?.end());
afterAll(() => house.stop());

describe('a client that breaks the protocol of the wire', () => {
  const cases: [string, number, RawFrame[]][] = [
    ['an unmasked frame', 1002, [{ opcode: TEXT, payload: 'x', masked: false }]],
    ['reserved bit 1', 1002, [{ opcode: TEXT, payload: 'x', rsv: 4 }]],
    ['reserved bit 2', 1002, [{ opcode: TEXT, payload: 'x', rsv: 2 }]],
    ['reserved bit 3', 1002, [{ opcode: TEXT, payload: 'x', rsv: 1 }]],
    ['reserved opcode 3', 1002, [{ opcode: 3, payload: 'x' }]],
    ['reserved opcode 11', 1002, [{ opcode: 11, payload: 'x' }]],
    ['a fragmented ping', 1002, [{ opcode: PING, fin: false }]],
    ['a ping of 126 bytes', 1002, [{ opcode: PING, payload: 'x'.repeat(126) }]],
    ['a continuation of nothing', 1002, [{ opcode: 0, payload: 'x' }]],
    [
      'a new message inside of one',
      1002,
      [
        { opcode: TEXT, fin: false, payload: '{' },
        { opcode: TEXT, payload: '}' },
      ],
    ],
    ['bytes that are not UTF-8', 1007, [{ opcode: TEXT, payload: Buffer.from([0xc3, 0x28]) }]],
    ['half a surrogate pair', 1007, [{ opcode: TEXT, payload: Buffer.from([0xed, 0xa0, 0x80]) }]],
    ['a close of 1 byte', 1002, [{ opcode: CLOSE, payload: 'x' }]],
    ['a close with 1005', 1002, [{ opcode: CLOSE, payload: code(1005) }]],
    ['a close with 999', 1002, [{ opcode: CLOSE, payload: code(999) }]],
    ['a close whose reason is not UTF-8', 1007, [{ opcode: CLOSE, payload: code(1000, Buffer.from([0xff])) }]],
    ['4097 bytes', 1009, [{ opcode: TEXT, payload: 'x'.repeat(4097) }]],
    ['1 GiB announced', 1009, [{ opcode: TEXT, declared: 1n << 30n }]],
    ['2^53 bytes announced', 1009, [{ opcode: TEXT, declared: 1n << 53n }]],
    ['17 fragments', 1008, pieces(17, 'x')],
    ['17 empty fragments', 1008, pieces(17, '')],
    ['fragments that add up to too much', 1009, pieces(5, 'x'.repeat(1000))],
    ['a clean goodbye', 1000, [{ opcode: CLOSE, payload: code(1000) }]],
    ['a binary frame', 4501, [{ opcode: 2, payload: '{"op":"pong"}' }]],
    ['an empty text', 4501, [{ opcode: TEXT, payload: '' }]],
    ['four kilobytes of brackets', 4501, [{ opcode: TEXT, payload: '['.repeat(4096) }]],
    ['a hundred pings at once', 4008, Array.from({ length: 100 }, () => ({ opcode: PING }))],
    ['a hundred pongs that nobody asked for', 4008, Array.from({ length: 100 }, () => ({ opcode: 10 }))],
  ];

  it.each(cases)('with %s is closed with %i', async (_, expected, frames) => {
    raw = await RawSocket.upgraded(house.port);
    raw.send(...frames);
    expect(await raw.closeCode()).toBe(expected);
  });

  it('gets one message over when it comes in 16 fragments with pings in between', async () => {
    const { token } = await house.creator();
    raw = await RawSocket.upgraded(house.port);
    const text = JSON.stringify({ op: 'auth', token });
    const size = Math.ceil(text.length / 8);
    for (let i = 0; i < 8; i += 1) {
      raw.send(
        { opcode: i === 0 ? TEXT : 0, fin: i === 7, payload: text.slice(i * size, (i + 1) * size) },
        { opcode: PING, payload: String(i) },
      );
    }
    const socket = raw;
    await raw.until(() => socket.frames().find(({ payload }) => payload.toString().startsWith('{"op":"ready"')));
    expect(raw.frames().filter(({ opcode }) => opcode === 10)).toHaveLength(8);
  });

  it('by pinging without ever reading costs the gateway nothing', async () => {
    raw = await RawSocket.upgraded(house.port);
    raw.socket.pause();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 200 && raw.socket.writable; i += 1) {
      raw.send(...Array.from({ length: 100 }, () => ({ opcode: PING, payload: 'x'.repeat(125) })));
    }
    raw.socket.resume();
    expect(await raw.closeCode()).toBe(4008);
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
  });
});

describe('a handshake', () => {
  it.each([
    ['without a key', { 'Sec-WebSocket-Key': '' }, 400],
    ['with a short key', { 'Sec-WebSocket-Key': 'abc' }, 400],
    ['of version 7', { 'Sec-WebSocket-Version': '7' }, 400],
    ['with a broken list of protocols', { 'Sec-WebSocket-Protocol': 'a,,b' }, 400],
    ['to another protocol', { Upgrade: 'h2c' }, 400],
  ])('%s is refused', async (_, fields, status) => {
    raw = await RawSocket.connect(house.port);
    expect(await raw.handshake(fields)).toMatch(new RegExp(`^HTTP/1.1 ${String(status)} `));
    expect(await raw.closeCode()).toBe(1006);
  });

  it('by POST is refused', async () => {
    raw = await RawSocket.connect(house.port);
    expect(await raw.handshake({}, 'POST /overlay HTTP/1.1')).toMatch(/^HTTP\/1.1 405 /);
  });

  it('with far too many headers is refused', async () => {
    raw = await RawSocket.connect(house.port);
    expect(await raw.handshake({ 'X-Long': 'x'.repeat(20_000) })).toMatch(/^HTTP\/1.1 431 /);
  });

  it('that offers compression is not given any', async () => {
    raw = await RawSocket.connect(house.port);
    const answer = await raw.handshake({ 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' });
    expect(answer).toMatch(/^HTTP\/1.1 101 /);
    expect(answer).not.toMatch(/extensions/i);
  });

  it('that is cut off at any byte does no harm', async () => {
    const text =
      'GET /overlay HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
    for (let at = 1; at <= text.length; at += 7) {
      const cut = await RawSocket.connect(house.port);
      cut.socket.write(text.slice(0, at));
      cut.socket.resetAndDestroy();
    }
    const client = await house.visitor();
    expect(client.frames[0]).toMatchObject({ op: 'hello' });
  });
});
