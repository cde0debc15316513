import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { SLOTS, type Slot } from './failpoints.js';
import type { Tally } from './tally.js';

const MAIN = fileURLToPath(new URL('./listener-main.js', import.meta.url));
const OUTPUT_KEPT = 20_000;
const START_MS = 30_000;
const SOMEBODY_MS = 5000;

interface Loaded {
  readonly child: ChildProcess;
  output: string;
  /** Has said that it works; before that a database in the middle of a crash may end it, as an orchestrator expects. */
  started: boolean;
}

/** Spare processes: as many as may die at once. */
const SPARES = 2;

/** Keeps listener processes loaded ahead, so that a restart is a matter of a moment. */
export class ListenerPool {
  private readonly spares: Promise<Loaded>[] = [];

  constructor(
    private readonly execArgv: readonly string[] = [],
    private readonly mustSay = '',
  ) {}

  /** Loaded and waiting for the word. */
  take(): Promise<Loaded> {
    const taken = this.spares.shift() ?? this.load();
    while (this.spares.length < SPARES) this.spares.push(this.load());
    return taken;
  }

  async stop(): Promise<void> {
    for (const { child } of await Promise.all(this.spares.splice(0))) child.kill('SIGKILL');
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
    await this.heard(loaded);
    child.on('message', () => {
      loaded.started = true;
    });
    return loaded;
  }

  /** What it says comes by another road than that it is loaded. */
  private async heard(loaded: Loaded): Promise<void> {
    for (let waited = 0; !loaded.output.includes(this.mustSay); waited += 1) {
      if (waited === 100) throw new Error(`a listener was to say "${this.mustSay}" and did not`);
      await sleep(20);
    }
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

  /** Resolves when both are at work: what happens before is nobody's torture. */
  async start(): Promise<void> {
    await Promise.all(SLOTS.map((slot) => this.launch(slot)));
    const deadline = Date.now() + START_MS;
    while (SLOTS.some((slot) => this.running.get(slot)?.started !== true)) {
      if (Date.now() > deadline) throw new Error(`the listeners do not start:\n${this.output()}`);
      await sleep(20);
    }
  }

  /** Waits until there is somebody to torment; for a while only. */
  async somebody(): Promise<void> {
    const deadline = Date.now() + SOMEBODY_MS;
    while (Date.now() < deadline && !SLOTS.some((slot) => this.isUp(slot) && this.running.get(slot)?.started === true)) await sleep(20);
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

  /** Its wall clock is put forward or back; nobody to tell is nobody to hurt. */
  jump(slot: Slot, ms: number): void {
    const found = this.running.get(slot);
    if (found?.started === true && found.child.connected) found.child.send({ jumpMs: ms }, () => undefined);
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
