import 'reflect-metadata';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Controller, Get, Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startApp, type RunningApp } from './bootstrap.js';
import { BoundedExpress } from './bounded-express.js';

const MOST = 10;

@Controller('hello')
class HelloController {
  @Get()
  hello(): string {
    return 'hello';
  }
}

@Module({ controllers: [HelloController] })
class RoomModule {}

let running: RunningApp;
let sockets: Socket[];

beforeEach(async () => {
  sockets = [];
  running = await startApp({
    service: 'test',
    settings: { LOG_LEVEL: 'error', INSTANCE_ID: 'a', INTERNAL_HOST: '127.0.0.1', INTERNAL_PORT: 0, SHUTDOWN_TIMEOUT_MS: 5000 },
    rooms: [RoomModule],
    http: { host: '127.0.0.1', port: 0, portSetting: 'PORT', maxConnections: MOST, configure: () => undefined },
  });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await running.close('test over');
});

/** Ended by the other side? */
async function come(): Promise<boolean> {
  const socket = connect(running.port ?? 0, '127.0.0.1').on('error', () => undefined);
  sockets.push(socket);
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString()));
  socket.write('GET /hello HTTP/1.1\r\nHost: x\r\n\r\n');
  await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  return !answer.endsWith('hello');
}

describe(BoundedExpress.name, () => {
  it('answers so many connections at a time and closes what is more, until one has gone', async () => {
    const ended: boolean[] = [];
    for (let n = 0; n < MOST + 3; n += 1) ended.push(await come());
    expect(ended).toEqual([...Array.from({ length: MOST }, () => false), true, true, true]);
    sockets[0]?.destroy();
    await expect.poll(come).toBe(false);
  });
});
