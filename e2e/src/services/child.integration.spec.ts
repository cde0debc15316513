import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startChild, type Child } from './child.js';

const SAID_MS = 5000;
/** As nginx: a master whose worker knows nothing of its end. */
const MASTER = ['-c', 'sleep 600 & echo "worker $!"; wait'];

async function workerOf(master: Child): Promise<number> {
  const [, pid] = await master.until(/worker (\d+)/, SAID_MS);
  return Number(pid);
}

/** Whoever ended and was not collected by its new parent is gone, too. */
function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${String(pid)}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function isGone(pid: number): Promise<boolean> {
  for (let look = 0; look < 100 && runs(pid); look += 1) await sleep(20);
  return !runs(pid);
}

describe(startChild.name, () => {
  it('kills a whole family when it kills', async () => {
    const master = startChild('sh', MASTER, { family: true });
    const worker = await workerOf(master);
    await master.stop('SIGKILL');
    expect(await isGone(worker)).toBe(true);
  });

  it('leaves nobody of a family behind when whoever started it ends without a word', async () => {
    const before = process.listeners('exit');
    const master = startChild('sh', MASTER, { family: true });
    const [atExit] = process.listeners('exit').filter((listener) => !before.includes(listener));
    const worker = await workerOf(master);
    atExit?.(1);
    expect(await isGone(worker)).toBe(true);
    expect(await isGone(master.pid)).toBe(true);
  });

  it('leaves nobody behind whose master was killed by somebody else', async () => {
    const before = process.listeners('exit');
    const master = startChild('sh', MASTER, { family: true });
    const [atExit] = process.listeners('exit').filter((listener) => !before.includes(listener));
    const worker = await workerOf(master);
    process.kill(master.pid, 'SIGKILL');
    expect(await isGone(master.pid)).toBe(true);
    atExit?.(1);
    expect(await isGone(worker)).toBe(true);
  });
});
