import { describe, expect, it } from 'vitest';
import { twinOf } from './block-sources.js';

describe(twinOf, () => {
  it.each([
    ['the same host', 'wss://two.example/key', ['https://one.example', 'https://two.example/rpc'], 1],
    ['the same host and port among several ports', 'ws://127.0.0.1:8002', ['http://127.0.0.1:8001', 'http://127.0.0.1:8002'], 1],
    ['a node that serves sockets on a port of its own', 'ws://node:8546', ['http://other:8545', 'http://node:8545'], 1],
    ['nobody where several providers share a host', 'ws://node:9000', ['http://node:8545', 'http://node:8645'], -1],
    ['nobody at a strange host', 'wss://three.example', ['https://one.example'], -1],
  ])('takes for the provider of a socket %s', (_, ws, rpc, twin) => {
    expect(twinOf(ws, rpc)).toBe(twin);
  });
});
