import { setTimeout as sleep } from 'node:timers/promises';
import { startApp, type AppProcess } from '../houses/app-process.js';

const SAMPLE_MS = 250;
const STOP_MS = 60_000;

interface Sample {
  readonly atMs: number;
  readonly count: number;
}

/** Gateways as a cluster runs them: those in service get new connections, one that ends is out of service first. */
export class GatewayFleet {
  readonly members: AppProcess[] = [];
  private readonly accepted = new Map<string, Sample[]>();
  private next = 0;
  private readonly sampling = new AbortController();

  constructor(private readonly settings: Readonly<Record<string, string>>) {
    void this.sample();
  }

  /** The port of a member, each in turn. */
  readonly pickPort = (): number => {
    this.next += 1;
    return this.members[this.next % this.members.length]?.port ?? 1;
  };

  /** With settings of its own beside the fleet's. */
  async add(own: Readonly<Record<string, string>> = {}): Promise<AppProcess> {
    const member = await startApp('gateway', { PORT: '0', INTERNAL_PORT: '0', DRAIN_DELAY_MS: '0', ...this.settings, ...own });
    this.members.push(member);
    return member;
  }

  /** A newcomer first, then the old one goes; its exit code. */
  async replace(old: AppProcess): Promise<number> {
    await this.add();
    this.retire(old);
    return old.child.stop('SIGTERM', STOP_MS);
  }

  retire(old: AppProcess): void {
    this.members.splice(this.members.indexOf(old), 1);
  }

  async stop(): Promise<void> {
    this.sampling.abort();
    await Promise.all(this.members.map(({ child }) => child.stop('SIGKILL')));
  }

  /** Upgrades a second that one gateway has let in, at most, over any stretch of this length or a sample longer. */
  busiest(seconds: number): number {
    const rates = [...this.accepted.values()].flatMap((samples) =>
      samples.flatMap((from) => {
        const to = samples.find(({ atMs }) => atMs >= from.atMs + seconds * 1000);
        return to === undefined ? [] : [((to.count - from.count) / (to.atMs - from.atMs)) * 1000];
      }),
    );
    return Math.max(0, ...rates);
  }

  /** Sum of a metric's series whose labels match, over all members. */
  async total(metric: string, labels = ''): Promise<number> {
    const sums = await Promise.all(this.members.map((member) => sumOf(member, metric, labels)));
    return sums.reduce((sum, one) => sum + one, 0);
  }

  private async sample(): Promise<void> {
    const { signal } = this.sampling;
    while (!signal.aborted) {
      await Promise.all(this.members.map((member) => this.look(member).catch(() => undefined)));
      await sleep(SAMPLE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async look(member: AppProcess): Promise<void> {
    const count = await sumOf(member, 'droppio_gateway_upgrades_total', 'result="accepted"');
    const samples = this.accepted.get(member.internalUrl) ?? [];
    this.accepted.set(member.internalUrl, [...samples, { atMs: performance.now(), count }]);
  }
}

async function sumOf({ internalUrl }: AppProcess, metric: string, labels: string): Promise<number> {
  const text = await (await fetch(`${internalUrl}/metrics`)).text();
  const series = text.split('\n').filter((line) => /^\w+/.exec(line)?.[0] === metric && line.includes(labels));
  return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
