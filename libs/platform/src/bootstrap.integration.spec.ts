import 'reflect-metadata';
import { createServer } from 'node:net';
import { Controller, Get, Injectable, Module, type BeforeApplicationShutdown } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { startApp, type AppPlan, type RunningApp } from './bootstrap.js';
import { Health } from './health.js';
import { Instance } from './platform.module.js';
import { Stats } from './stats.js';

const closed: string[] = [];

@Controller('hello')
class HelloController {
  constructor(private readonly instance: Instance) {}

  @Get()
  hello(): string {
    return this.instance.id;
  }
}

@Injectable()
class Room implements BeforeApplicationShutdown {
  constructor(health: Health) {
    health.readyWhen('room', () => (Room.well ? undefined : 'The room is on fire.'));
  }

  static well = true;

  beforeApplicationShutdown(): void {
    closed.push('room');
  }
}

@Module({ controllers: [HelloController], providers: [Room] })
class RoomModule {}

function plan(port: number): AppPlan {
  return {
    service: 'test',
    settings: { LOG_LEVEL: 'error', INSTANCE_ID: 'pod-a', INTERNAL_HOST: '127.0.0.1', INTERNAL_PORT: 0, SHUTDOWN_TIMEOUT_MS: 5000 },
    rooms: [RoomModule],
    http: { host: '127.0.0.1', port, portSetting: 'PORT', configure: () => undefined },
  };
}

let running: RunningApp | undefined;
const get = async (port: number | undefined, path: string): Promise<[number, string]> => {
  const response = await fetch(`http://127.0.0.1:${String(port)}${path}`);
  return [response.status, await response.text()];
};

afterEach(async () => {
  await running?.close('test over');
  running = undefined;
});

describe(startApp.name, () => {
  it('has statistics on the internal port only, closed unless a token is set', async () => {
    const token = 'a-token-of-thirty-two-characters';
    running = await startApp({ ...plan(0), settings: { ...plan(0).settings, STATS_TOKEN: token } });
    running.app.get(Stats).serve((top) => Promise.resolve({ top }));
    const url = `http://127.0.0.1:${String(running.internalPort)}/stats?top=7`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect([response.status, await response.json()]).toEqual([200, { top: 7 }]);
    const [status, words] = await get(running.internalPort, '/stats');
    expect([status, words]).toEqual([401, expect.stringContaining('Statistics need an Authorization header')]);
    expect((await get(running.port, '/stats'))[0]).toBe(404);
    await running.close('test');
    running = await startApp(plan(0));
    const closed = await get(running.internalPort, '/stats');
    expect(closed).toEqual([403, expect.stringContaining('this process has no STATS_TOKEN')]);
  });

  it('serves the rooms on the public port and health and metrics on the internal one only', async () => {
    running = await startApp(plan(0));
    expect(await get(running.port, '/hello')).toEqual([200, 'pod-a']);
    expect((await get(running.internalPort, '/metrics'))[1]).toContain('process_cpu_seconds_total');
    expect((await get(running.internalPort, '/health/live'))[0]).toBe(200);
    expect((await get(running.internalPort, '/health/ready'))[0]).toBe(200);
    expect((await get(running.port, '/metrics'))[0]).toBe(404);
    expect((await get(running.port, '/health/ready'))[0]).toBe(404);
  });

  it('says on no port what runs there, and calls no answer another kind of thing than it is', async () => {
    running = await startApp(plan(0));
    for (const [port, path] of [
      [running.port, '/hello'],
      [running.port, '/nothing'],
      [running.internalPort, '/health/live'],
      [running.internalPort, '/nothing'],
      [running.internalPort, '/metrics'],
    ] as const) {
      const { headers } = await fetch(`http://127.0.0.1:${String(port)}${path}`);
      expect([headers.get('x-powered-by'), headers.get('server'), headers.get('x-content-type-options')]).toEqual([null, null, 'nosniff']);
    }
  });

  it('reads no body on the internal port', async () => {
    running = await startApp(plan(0));
    const url = `http://127.0.0.1:${String(running.internalPort)}/health/live`;
    const broken = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"broken' });
    expect(broken.status).toBe(404);
  });

  it('answers 503 and says why when a room is not ready', async () => {
    running = await startApp(plan(0));
    Room.well = false;
    const [status, body] = await get(running.internalPort, '/health/ready');
    Room.well = true;
    expect(status).toBe(503);
    expect(body).toContain('The room is on fire.');
  });

  it('names a taken port and the setting to change, and leaves nothing open', async () => {
    const blocker = createServer();
    const taken = await new Promise<number>((resolve) => {
      blocker.listen(0, '127.0.0.1', () => {
        const address = blocker.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    await expect(startApp(plan(taken))).rejects.toThrow(`Port ${String(taken)} on 127.0.0.1 is taken by another program. Set PORT`);
    blocker.close();
  });

  it('runs the rooms’ shutdown once, however often it is asked to close', async () => {
    running = await startApp(plan(0));
    closed.length = 0;
    await Promise.all([running.close('one'), running.close('two')]);
    expect(closed).toEqual(['room']);
    await expect(get(running.port, '/hello')).rejects.toThrow();
    await expect(get(running.internalPort, '/health/live')).rejects.toThrow();
  });
});
