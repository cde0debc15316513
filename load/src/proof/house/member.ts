import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { startApp, type AppProcess } from '@droppio/e2e/houses';

const STOP_MS = 90_000;

/** One process of the house: it can be killed, frozen and started again with the same settings. */
export class Member {
  private running: AppProcess | undefined;
  /** How often it was started. */
  starts = 0;
  private past = '';

  constructor(
    readonly name: string,
    private readonly app: string,
    private readonly settings: Readonly<Record<string, string>>,
  ) {}

  async start(more: Readonly<Record<string, string>> = {}): Promise<void> {
    this.running = await startApp(this.app, { ...this.settings, ...more });
    this.starts += 1;
  }

  get isUp(): boolean {
    const { child } = this.running ?? {};
    return child?.process.exitCode === null && child.process.signalCode === null;
  }

  get port(): number {
    return this.process.port;
  }

  get pid(): number {
    return this.process.child.pid;
  }

  output(): string {
    return this.past + (this.running?.child.output() ?? '');
  }

  /** Ends it; the exit code, a signal counts as 128. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number> {
    const { child } = this.process;
    // A frozen process dies only when it may run again.
    if (signal === 'SIGKILL') child.process.kill('SIGCONT');
    const code = await child.stop(signal, STOP_MS);
    this.past = (this.past + child.output()).slice(-200_000);
    return code;
  }

  freeze(): void {
    this.process.child.process.kill('SIGSTOP');
  }

  thaw(): void {
    this.process.child.process.kill('SIGCONT');
  }

  /** Sum of a metric's series whose labels match. */
  async metric(name: string, labels = ''): Promise<number> {
    const response = await fetch(`${this.process.internalUrl}/metrics`, { signal: AbortSignal.timeout(5000) });
    const lines = (await response.text()).split('\n');
    const series = lines.filter((line) => /^\w+/.exec(line)?.[0] === name && line.includes(labels));
    return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** Does it call itself ready, and what it says. */
  async ready(): Promise<{ readonly ok: boolean; readonly text: string }> {
    const response = await fetch(`${this.process.internalUrl}/health/ready`, { signal: AbortSignal.timeout(5000) });
    return { ok: response.ok, text: await response.text() };
  }

  /** Open files, as the kernel counts them. */
  files(): number {
    return readdirSync(`/proc/${String(this.pid)}/fd`).length;
  }

  /** How many sockets it has to each port, in whichever state the kernel has them. */
  sockets(): ReadonlyMap<number, number> {
    const folder = `/proc/${String(this.pid)}`;
    const inodes = new Set(readdirSync(`${folder}/fd`).map((fd) => /socket:\[(\d+)\]/.exec(linkOf(`${folder}/fd/${fd}`))?.[1]));
    const counts = new Map<number, number>();
    for (const line of readFileSync(`${folder}/net/tcp`, 'utf8').split('\n').slice(1)) {
      const [, , remote = '', , , , , , , inode] = line.trim().split(/\s+/);
      if (inode === undefined || !inodes.has(inode)) continue;
      const port = Number.parseInt(remote.split(':')[1] ?? '0', 16);
      counts.set(port, (counts.get(port) ?? 0) + 1);
    }
    return counts;
  }

  /** Resident memory, MiB. */
  memory(): number {
    const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${String(this.pid)}/status`, 'utf8'));
    return Math.round(Number(line?.[1] ?? 0) / 1024);
  }

  private get process(): AppProcess {
    if (this.running === undefined) throw new Error(`${this.name} was never started`);
    return this.running;
  }
}

/** It may be closed by the time it is looked at. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
