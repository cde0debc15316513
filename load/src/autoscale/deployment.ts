import { setTimeout as sleep } from 'node:timers/promises';
import type { AppProcess } from '@droppio/e2e/houses';
import type { Stage } from '../scenarios/stage.js';
import { FASTER } from './compressed.js';
import type { Edge } from './edge.js';
import type { Prometheus } from './prometheus.js';

const STOP_MS = 60_000;
const PRE_STOP_SECONDS = 10;

/** What Kubernetes' Deployment and its kubelets do: as many gateways as are wanted, the newest goes first, each gets SIGTERM and its time. */
export class Deployment {
  private starting = 0;
  private readonly ending = new Set<Promise<void>>();
  private readonly slotOf = new Map<AppProcess, number>();
  private readonly free: number[];
  private fault: unknown;

  constructor(
    private readonly stage: Stage,
    edge: Edge,
    private readonly prometheus: Prometheus,
  ) {
    this.free = [...edge.slots];
  }

  /** Those that stay, ready or not. */
  get replicas(): number {
    return this.ready.length + this.starting;
  }

  get ready(): readonly AppProcess[] {
    return this.stage.fleet.members;
  }

  /** Returns at once; what it takes goes on behind. Throws what went wrong there before. */
  scaleTo(count: number): void {
    if (this.fault !== undefined) throw this.fault instanceof Error ? this.fault : new Error('a gateway could not be started or ended');
    for (let missing = count - this.replicas; missing > 0; missing -= 1) void this.start().catch(this.keep);
    for (let surplus = this.replicas - count; surplus > 0; surplus -= 1) {
      const newest = this.ready.at(-1);
      if (newest === undefined) return;
      const end = this.end(newest).catch(this.keep);
      this.ending.add(end);
      void end.then(() => this.ending.delete(end));
    }
  }

  /** Resolves when everybody who was told to end has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.ending);
  }

  private async start(): Promise<void> {
    const slot = this.free.shift();
    if (slot === undefined) throw new Error('there are more gateways wanted than there are ports for');
    this.starting += 1;
    try {
      const gateway = await this.stage.fleet.add({ PORT: String(slot) });
      this.slotOf.set(gateway, slot);
      this.stage.timeline.mark(`+1: ${String(this.ready.length)} gateways`);
    } finally {
      this.starting -= 1;
    }
    await this.tell();
  }

  /** It leaves the service first, and is scraped until its end. */
  private async end(gateway: AppProcess): Promise<void> {
    this.stage.fleet.retire(gateway);
    this.stage.timeline.mark(`SIGTERM: ${String(this.ready.length)} gateways stay`);
    await sleep((PRE_STOP_SECONDS * 1000) / FASTER);
    const code = await gateway.child.stop('SIGTERM', STOP_MS);
    if (code !== 0) throw new Error(`a gateway ended with ${String(code)}:\n${gateway.child.output().slice(-2000)}`);
    const slot = this.slotOf.get(gateway);
    this.slotOf.delete(gateway);
    if (slot !== undefined) this.free.push(slot);
    await this.tell();
  }

  private tell(): Promise<void> {
    return this.prometheus.scrape([...this.slotOf.keys()].map(({ internalUrl }) => new URL(internalUrl).host));
  }

  private readonly keep = (error: unknown): void => {
    this.fault ??= error;
  };
}
