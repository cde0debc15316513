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

  async add(): Promise<AppProcess> {
    const member = await startApp('gateway', { PORT: '0', INTERNAL_PORT: '0', DRAIN_DELAY_MS: '0', ...this.settings });
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

  private async sample(): Promise<void> {
    const { signal } = this.sampling;
    while (!signal.aborted) {
      await Promise.all(this.members.map((member) => this.look(member).catch(() => undefined)));
      await sleep(SAMPLE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async look({ internalUrl }: AppProcess): Promise<void> {
    const text = await (await fetch(`${internalUrl}/metrics`)).text();
    const lines = text.matchAll(/^droppio_gateway_upgrades_total\{[^}]*result="accepted"[^}]*\} (\d+)/gm);
    const count = [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
    const samples = this.accepted.get(internalUrl) ?? [];
    this.accepted.set(internalUrl, [...samples, { atMs: performance.now(), count }]);
  }
}
