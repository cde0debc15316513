import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CrowdCount, type CrowdMember, type CrowdOrder } from './crowd-words.js';

const MAIN = fileURLToPath(new URL('./crowd-main.js', import.meta.url));

/** Overlays in processes of their own: nothing of the harness can slow them down or be slowed by them. */
export class Crowd {
  private turn: Promise<unknown> = Promise.resolve();
  private isOver = false;

  private constructor(
    private readonly children: readonly ChildProcess[],
    readonly journals: readonly string[],
    readonly size: number,
  ) {}

  static async begin(members: readonly CrowdMember[], processes: number, folder: string, name = 'crowd'): Promise<Crowd> {
    const groups = Array.from({ length: processes }, (_, n) => members.filter((_member, place) => place % processes === n));
    const journals = groups.map((_, n) => join(folder, `${name}-${String(n)}.jsonl`));
    const children = groups.map(() => fork(MAIN, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    for (const child of children) {
      const kill = (): void => void child.kill('SIGKILL');
      process.once('exit', kill);
      child.once('exit', () => process.off('exit', kill));
    }
    const crowd = new Crowd(children, journals, members.length);
    await Promise.all(children.map((child, n) => ask(child, { do: 'begin', journal: journals[n] ?? '', members: groups[n] ?? [] })));
    return crowd;
  }

  async count(): Promise<CrowdCount> {
    const counts = (await this.all({ do: 'count' })).map((told) => CrowdCount.parse(told));
    const places: Record<string, number> = {};
    for (const count of counts)
      for (const [creatorId, place] of Object.entries(count.places)) places[creatorId] = Math.min(places[creatorId] ?? Infinity, place);
    const codes: Record<string, number> = {};
    for (const count of counts) for (const [code, times] of Object.entries(count.codes)) codes[code] = (codes[code] ?? 0) + times;
    const sum = (of: (count: CrowdCount) => number): number => counts.reduce((total, count) => total + of(count), 0);
    return { open: sum(({ open }) => open), links: sum(({ links }) => links), gaps: sum(({ gaps }) => gaps), places, codes };
  }

  async reload(share: number): Promise<void> {
    await this.all({ do: 'reload', share });
  }

  async stop(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    await this.all({ do: 'stop' });
    for (const child of this.children) {
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    }
  }

  /** One order at a time, since the next message is the answer. */
  private all(order: CrowdOrder): Promise<unknown[]> {
    const told = this.turn.then(() => Promise.all(this.children.map((child) => ask(child, order))));
    this.turn = told.catch(() => undefined);
    return told;
  }
}

async function ask(child: ChildProcess, order: CrowdOrder): Promise<unknown> {
  const answer = once(child, 'message');
  child.send(order);
  const [told] = (await answer) as readonly unknown[];
  return told;
}
