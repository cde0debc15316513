import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ROOT } from './houses/index.js';
import { freePort, startChild, type Child } from './services/child.js';

const MARK = `DROPPIO_TEST_MARK=${randomUUID()}`;
let dataDir: string;
let ports: Record<string, string>;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'droppio-quick-start-'));
  // As root the database runs as somebody else, who must reach it here and not in a folder that outlives the test.
  await chmod(dataDir, 0o755);
  const [PORT, INTERNAL_PORT, DEV_CHAIN_PORT] = await Promise.all([freePort(), freePort(), freePort()]);
  ports = { PORT: String(PORT), INTERNAL_PORT: String(INTERNAL_PORT), DEV_CHAIN_PORT: String(DEV_CHAIN_PORT) };
});

afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

/** As a terminal runs it: `npm start` with a process group of its own. */
function npmStart(settings: Record<string, string> = {}): Child {
  return npm(['start'], settings);
}

function npm(args: readonly string[], settings: Record<string, string> = {}): Child {
  const [name = '', value = ''] = MARK.split('=');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    NX_DAEMON: 'false',
    DATA_DIR: dataDir,
    [name]: value,
    ...ports,
    ...settings,
  };
  return startChild('npm', args, { cwd: ROOT, env, detached: true });
}

/** Ctrl-C reaches every process of the terminal's group. */
async function ctrlC(child: Child): Promise<void> {
  process.kill(-child.pid, 'SIGINT');
  await child.ended;
}

async function running(child: Child): Promise<{ webSocketUrl: string; output: string }> {
  await child.until(/Press Ctrl-C to stop/, 120_000);
  const webSocketUrl = /WebSocket\s+(ws:\/\/\S+)/.exec(child.output())?.[1];
  if (webSocketUrl === undefined) throw new Error(`no WebSocket URL in:\n${child.output()}`);
  return { webSocketUrl, output: child.output() };
}

/** Processes that inherited our mark or work in our folder (Postgres gets a clean environment), whoever their parent is now. */
function leftBehind(): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => readQuietly(`/proc/${pid}/environ`).includes(MARK) || readQuietly(`/proc/${pid}/cmdline`).includes(dataDir))
    .map((pid) => `${pid} ${readQuietly(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`);
}

function readQuietly(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

interface Frames {
  readonly socket: WebSocket;
  until(matches: (frame: Record<string, unknown>) => boolean, ms?: number): Promise<Record<string, unknown>>;
}

async function connectPlainly(url: string): Promise<Frames> {
  const socket = new WebSocket(url);
  const frames: Record<string, unknown>[] = [];
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString('utf8')) as Record<string, unknown>));
  const until: Frames['until'] = async (matches, ms = 20_000) => {
    await expect.poll(() => frames.some(matches), { timeout: ms, interval: 20 }).toBe(true);
    return frames.find(matches) ?? {};
  };
  await until((frame) => frame['op'] === 'ready');
  return { socket, until };
}

const tipSaying = (message: string) => (frame: Record<string, unknown>) =>
  frame['op'] === 'event' && JSON.stringify(frame['d']).includes(message);

describe('the quick start', () => {
  it('shows a tip on a plain WebSocket client, keeps its data over a restart, and leaves nothing running', async () => {
    const first = npmStart();
    const { webSocketUrl, output } = await running(first);
    expect(output).toMatch(/reached the overlay in \d+ ms/);
    for (const name of ['Overlay page', 'WebSocket', 'API docs', 'Metrics', 'RPC', 'Tip jar']) expect(output).toContain(name);
    const overlay = await connectPlainly(webSocketUrl);
    const tip = npm(['run', 'tip', '--', '0.01', 'hello from the test']);
    expect(await tip.ended, tip.output()).toBe(0);
    await overlay.until(tipSaying('hello from the test'));
    overlay.socket.terminate();
    // The search finds what runs, the database included: else finding nothing later would mean nothing.
    const found = leftBehind().join('\n');
    for (const part of ['standalone/dist/main.js', 'anvil', 'postgres']) expect(found).toContain(part);
    await ctrlC(first);
    expect(leftBehind()).toEqual([]);

    const second = npmStart();
    const again = await running(second);
    expect(again.webSocketUrl).toBe(webSocketUrl);
    expect(await historyOf(second)).toContain('hello from the test');
    await ctrlC(second);
    expect(leftBehind()).toEqual([]);
  });

  it('goes on after it was killed with everything it had started still running', async () => {
    const killed = npmStart();
    await running(killed);
    process.kill(-killed.pid, 'SIGKILL');
    await killed.ended;
    const next = npmStart();
    const { webSocketUrl } = await running(next);
    const overlay = await connectPlainly(webSocketUrl);
    const tip = npm(['run', 'tip', '--', '0.02', 'after the crash']);
    expect(await tip.ended, tip.output()).toBe(0);
    await overlay.until(tipSaying('after the crash'));
    overlay.socket.terminate();
    await ctrlC(next);
    expect(leftBehind()).toEqual([]);
  });

  it.each([15, 40, 65, 70, 100])('stops everything when the signal comes twice, %i ms apart', async (gapMs) => {
    const child = npmStart();
    await running(child);
    process.kill(-child.pid, 'SIGINT');
    await sleep(gapMs);
    process.kill(-child.pid, 'SIGINT');
    expect(await child.ended).toBe(0);
    expect(leftBehind()).toEqual([]);
  });

  it('stops everything when npm alone is told to', async () => {
    const child = npmStart();
    await running(child);
    process.kill(child.pid, 'SIGTERM');
    await child.ended;
    await expect.poll(leftBehind, { timeout: 20_000, interval: 100 }).toEqual([]);
  });

  it('ends, and says why, when its chain is killed', async () => {
    const child = npmStart();
    await running(child);
    const [pid = ''] =
      leftBehind()
        .find((line) => line.includes('anvil['))
        ?.split(' ') ?? [];
    process.kill(Number(pid), 'SIGKILL');
    expect(await child.ended).toBe(1);
    expect(child.output()).toContain('The local chain has ended.');
    expect(leftBehind()).toEqual([]);
  });

  it.each([['PORT'], ['INTERNAL_PORT'], ['DEV_CHAIN_PORT']])('names a taken %s in a sentence, and starts nothing', async (setting) => {
    const blocker = createServer().listen(Number(ports[setting]), '127.0.0.1');
    const child = npmStart();
    expect(await child.ended).toBe(1);
    expect(child.output()).toContain(
      `Port ${String(ports[setting])} on 127.0.0.1 is taken by another program. Set ${setting} to a free port`,
    );
    expect(leftBehind()).toEqual([]);
    await new Promise((resolve) => blocker.close(resolve));
  });

  it.each([
    ['HOST', { HOST: '203.0.113.7' }, '203.0.113.7 is no address of this machine'],
    ['DATA_DIR', { DATA_DIR: '/proc/droppio' }, 'DATA_DIR names /proc/droppio'],
    ['DATA_DIR', { DATA_DIR: '/dev/null' }, 'DATA_DIR names /dev/null'],
  ])('explains a %s that cannot be used', async (_, settings, sentence) => {
    const child = npmStart(settings);
    expect(await child.ended).toBe(1);
    expect(child.output()).toContain(sentence);
    expect(child.output()).not.toContain('    at ');
    expect(leftBehind()).toEqual([]);
  });

  it('lists every wrong setting at once and starts nothing', async () => {
    const child = npmStart({ PORT: 'eighty', DATABASE_URL: 'not a url', LOG_LEVEL: 'loud' });
    expect(await child.ended).toBe(1);
    for (const name of ['PORT', 'DATABASE_URL', 'LOG_LEVEL']) expect(child.output()).toMatch(new RegExp(`- ${name} does not fit: .+\\.`));
    expect(child.output()).not.toContain('at ');
    expect(leftBehind()).toEqual([]);
  });
});

async function historyOf(child: Child): Promise<string> {
  const api = /API docs\s+(http:\/\/[^/\s]+)/.exec(child.output())?.[1] ?? '';
  const { accessToken } = JSON.parse(readFileSync(join(dataDir, 'standalone.json'), 'utf8')) as { accessToken: string };
  const response = await fetch(`${api}/v1/tips`, { headers: { authorization: `Bearer ${accessToken}` } });
  return response.text();
}
