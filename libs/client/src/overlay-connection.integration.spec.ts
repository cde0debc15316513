import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { closeReason, parseClientFrame, PROTOCOL, type ClientFrame, type ServerFrame } from '@droppio/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { OverlayConnection, type ConnectionState } from './overlay-connection.js';
import { aTipFrame } from './testing/scripted-transport.js';
import { WebSocketTransport } from './web-socket-transport.js';

type Frames = AsyncGenerator<ClientFrame>;

async function* framesOf(socket: WebSocket): Frames {
  const queue: ClientFrame[] = [];
  let wake: () => void = () => undefined;
  socket.on('message', (data: Buffer) => {
    const frame = parseClientFrame(data.toString());
    if (frame !== undefined) queue.push(frame);
    wake();
  });
  for (;;) {
    const frame = queue.shift();
    if (frame !== undefined) yield frame;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}

describe(`${OverlayConnection.name} on a real socket`, () => {
  let server: WebSocketServer;
  let connection: OverlayConnection | undefined;

  beforeEach(async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: (offered) => offered.has(PROTOCOL) && PROTOCOL });
    await once(server, 'listening');
  });
  afterEach(async () => {
    connection?.stop();
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  const urlOf = (): string => `ws://127.0.0.1:${String((server.address() as AddressInfo).port)}/overlay`;

  function connect(onState: (state: ConnectionState) => void = () => undefined) {
    const seqs: number[] = [];
    let heard: () => void = () => undefined;
    connection = new OverlayConnection(
      { transport: new WebSocketTransport(urlOf(), WebSocket), token: 'dro_ov_secret', cursor: { epoch: 'e1', seq: 0 }, random: () => 0 },
      {
        event: (frame) => {
          seqs.push(frame.seq);
          heard();
        },
        gap: () => undefined,
        ready: () => undefined,
        state: onState,
      },
    );
    connection.start();
    const until = async (count: number): Promise<number[]> => {
      while (seqs.length < count) await new Promise<void>((resolve) => (heard = resolve));
      return seqs;
    };
    return { connection, until };
  }

  async function greeted(): Promise<{
    socket: WebSocket;
    frames: Frames;
    say: (frame: ServerFrame) => void;
    auth: ClientFrame | undefined;
  }> {
    const [socket] = (await once(server, 'connection')) as [WebSocket];
    const frames = framesOf(socket);
    const say = (frame: ServerFrame): void => {
      socket.send(JSON.stringify(frame));
    };
    say({ op: 'hello', v: 1, sid: 's', pingMs: 25_000 });
    const auth = (await frames.next()).value as ClientFrame | undefined;
    return { socket, frames, say, auth };
  }
  const ready = (from: number, head: number): ServerFrame => ({
    op: 'ready',
    epoch: 'e1',
    head,
    from,
    recovered: true,
    config: { schemaVersion: 1, durationMs: 8000 },
  });

  it('speaks the sub-protocol, keeps the token out of the URL, answers pings and reports what was shown', async () => {
    const upgrade = once(server, 'connection');
    const { connection } = connect();
    const [socket, request] = (await upgrade) as [WebSocket, { url: string }];
    expect(socket.protocol).toBe(PROTOCOL);
    expect(request.url).toBe('/overlay');
    const frames = framesOf(socket);
    socket.send(JSON.stringify({ op: 'hello', v: 1, sid: 's', pingMs: 25_000 }));
    expect((await frames.next()).value).toMatchObject({ op: 'auth', token: 'dro_ov_secret', cursor: { epoch: 'e1', seq: 0 } });
    socket.send(JSON.stringify(ready(1, 0)));
    socket.send('not json');
    socket.send(JSON.stringify({ op: 'from-the-future' }));
    socket.send(JSON.stringify({ op: 'ping', head: 0 }));
    expect((await frames.next()).value).toEqual({ op: 'pong' });
    connection.shown(1, 12.6);
    expect((await frames.next()).value).toEqual({ op: 'shown', seq: 1, ms: 13 });
  });

  it('resumes where it was after the server cut the line', async () => {
    const first = greeted();
    const { until } = connect();
    const one = await first;
    one.say(ready(1, 1));
    one.say(aTipFrame(1));
    await until(1);
    const second = greeted();
    one.socket.terminate();
    const two = await second;
    expect(two.auth).toMatchObject({ cursor: { epoch: 'e1', seq: 1 } });
    two.say(ready(2, 2));
    two.say(aTipFrame(2));
    expect(await until(2)).toEqual([1, 2]);
  });

  it('moves without a pause and without a repeat', async () => {
    const first = greeted();
    const { until } = connect();
    const one = await first;
    one.say(ready(1, 0));
    const second = greeted();
    one.say({ op: 'move', afterMs: 0, graceMs: 5000, why: 'drain' });
    const two = await second;
    one.say(aTipFrame(1));
    await until(1);
    const closed = once(one.socket, 'close');
    two.say(ready(1, 1));
    two.say(aTipFrame(1));
    two.say(aTipFrame(2));
    expect(await until(2)).toEqual([1, 2]);
    expect((await closed)[0]).toBe(1000);
  });

  it('stops when the server says that coming back cannot help', async () => {
    const stopped = new Promise<ConnectionState>((resolve) => {
      const first = greeted();
      connect((state) => {
        if (state.kind === 'stopped') resolve(state);
      });
      void first.then(({ socket }) => {
        socket.close(4506, closeReason('disabled'));
      });
    });
    expect(await stopped).toEqual({ kind: 'stopped', code: 4506, why: 'disabled' });
  });
});
