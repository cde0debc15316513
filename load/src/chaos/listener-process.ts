import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { SLOTS, type Slot } from './failpoints.js';
import type { Tally } from './tally.js';

const MAIN = fileURLToPath(new URL('./listener-main.js', import.meta.url));
const OUTPUT_KEPT = 20_000;

interface Loaded {
  readonly child: ChildProcess;
  output: string;
  /** Has said that it works; before that a database in the middle of a crash may end it, as an orchestrator expects. */
  started: boolean;
}

/** Keeps one listener process loaded ahead, so that a restart is a matter of a moment. */
export class ListenerPool {
  private next: Promise<Loaded> | undefined;

  constructor(private readonly execArgv: readonly string[] = []) {}

  /** Loaded and waiting for the word. */
  take(): Promise<Loaded> {
    const taken = this.next ?? this.load();
    this.next = this.load();
    return taken;
  }

  async stop(): Promise<void> {
    (await this.next)?.child.kill('SIGKILL');
    this.next = undefined;
  }

  private async load(): Promise<Loaded> {
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], TZ: 'UTC' };
    const child = fork(MAIN, { execArgv: [...this.execArgv], env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    const loaded = { child, output: '', started: false };
    const keep = (chunk: Buffer): void => {
      loaded.output = (loaded.output + chunk.toString('utf8')).slice(-OUTPUT_KEPT);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const ended = once(child, 'exit').then(() => {
      throw new Error(`the listener ended while it loaded:\n${loaded.output}`);
    });
    await Promise.race([once(child, 'message'), ended]);
    ended.catch(() => undefined);
    child.on('message', () => {
      loaded.started = true;
    });
    return loaded;
  }
}

/** Two listener processes over the same database: whoever dies comes back. */
export class ListenerPair {
  private readonly running = new Map<Slot, Loaded>();
  private readonly frozen = new Set<Slot>();
  private isOver = false;
  /** What a process said before it ended by itself: never on our word. */
  readonly faults: string[] = [];
  private past = '';

  constructor(
    private readonly pool: ListenerPool,
    private readonly envOf: (slot: Slot) => Readonly<Record<string, string>>,
    private readonly tally: Tally,
  ) {}

  async start(): Promise<void> {
    await Promise.all(SLOTS.map((slot) => this.launch(slot)));
  }

  isUp(slot: Slot): boolean {
    return this.running.has(slot) && !this.frozen.has(slot);
  }

  kill(slot: Slot, restartMs: number): void {
    const found = this.running.get(slot);
    if (found === undefined) return;
    this.running.delete(slot);
    this.frozen.delete(slot);
    found.child.kill('SIGKILL');
    this.past = (this.past + found.output).slice(-OUTPUT_KEPT);
    this.tally.add('process:killed');
    void sleep(restartMs).then(() => this.launch(slot));
  }

  freeze(slot: Slot): void {
    this.frozen.add(slot);
    this.running.get(slot)?.child.kill('SIGSTOP');
    this.tally.add('process:frozen');
  }

  thaw(slot: Slot): void {
    if (!this.frozen.delete(slot)) return;
    this.running.get(slot)?.child.kill('SIGCONT');
  }

  /** What they logged, newest last. */
  output(): string {
    return [this.past, ...[...this.running.values()].map(({ output }) => output)].join('\n');
  }

  stop(): void {
    this.isOver = true;
    for (const { child } of this.running.values()) child.kill('SIGKILL');
    this.running.clear();
  }

  private async launch(slot: Slot): Promise<void> {
    if (this.isOver) return;
    const loaded = await this.pool.take();
    if (this.over) {
      loaded.child.kill('SIGKILL');
      return;
    }
    this.running.set(slot, loaded);
    loaded.child.once('exit', (code) => {
      if (this.running.get(slot) !== loaded) return;
      this.running.delete(slot);
      if (loaded.started) this.faults.push(`a listener ended by itself with ${String(code)}:\n${loaded.output.slice(-2500)}`);
      else this.tally.add('process:start-failed');
      void this.launch(slot);
    });
    loaded.child.send({ env: this.envOf(slot) });
  }

  /** Apart, since the compiler takes what was false before an await for false after it. */
  private get over(): boolean {
    return this.isOver;
  }
}
