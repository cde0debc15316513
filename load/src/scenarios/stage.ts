import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayFleet } from '@droppio/e2e/houses';
import { Crowds } from '../crowd/crowds.js';
import { cpuMicroseconds, residentBytes } from '../fanout/process-cost.js';
import type { OverlayKind } from '../crowd/orders.js';
import { Dice } from '../chaos/dice.js';
import type { Progress } from './progress.js';
import type { Scenario } from './scenario.js';
import { Timeline, type FleetView } from './timeline.js';
import type { TipMill } from './tip-mill.js';

/** All overlays come from one address, many with the same token. */
const CROWDED = {
  GATEWAY_MAX_SOCKETS_PER_TOKEN: '0',
  GATEWAY_MAX_SOCKETS_PER_IP: '0',
  GATEWAY_MAX_UNAUTHENTICATED_PER_IP: '0',
  GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '0',
};
const ALL_IN_MS = 60_000;
const SETTLE_MS = 60_000;
const LOOK_MS = 100;

/** A scenario's players: gateways, overlays in processes of their own, and whoever makes tips. */
export class Stage {
  readonly timeline = new Timeline();
  readonly fleet: GatewayFleet;
  readonly crowds: Crowds;
  readonly dice: Dice;
  /** The one port that overlays know, where something stands before the gateways. */
  door: number | undefined;
  private cpuBefore = new Map<number, number>();
  private readonly watching: NodeJS.Timeout;
  private view: () => Partial<FleetView> = () => ({});

  constructor(
    readonly scenario: Scenario,
    readonly mill: TipMill,
    private readonly progress: Progress,
    { seed, settings = {} }: { readonly seed: number; readonly settings?: Readonly<Record<string, string>> },
  ) {
    this.dice = new Dice(seed);
    this.fleet = new GatewayFleet({ ...CROWDED, ...mill.gatewaySettings, ...settings });
    this.crowds = Crowds.open(scenario.overlays, this.timeline.tick);
    this.watching = setInterval(() => {
      this.look();
    }, 1000);
  }

  get ports(): number[] {
    return this.door === undefined ? this.fleet.members.map(({ port }) => port) : [this.door];
  }

  /** Arrivals a second. */
  get pace(): number {
    return this.scenario.overlays / this.scenario.rampSeconds;
  }

  /** One after the other would be slow, all at once on two cores slower. */
  async openGateways(count = this.scenario.gateways): Promise<void> {
    while (this.fleet.members.length < count) {
      await Promise.all(Array.from({ length: Math.min(2, count - this.fleet.members.length) }, () => this.fleet.add()));
    }
  }

  /** All of them, rooms in turn. */
  async arrive(kind: OverlayKind = 'client'): Promise<void> {
    const { overlays, rooms } = this.scenario;
    await this.arriveAt(
      kind,
      Array.from({ length: overlays }, (_, n) => n % rooms),
    );
  }

  /** One overlay for each of these rooms, at the scenario's rate or when `due` says; resolves when all that will ever be in are in. */
  async arriveAt(kind: OverlayKind, rooms: readonly number[], due = (n: number): number => (n / this.pace) * 1000): Promise<void> {
    const before = this.timeline.connected + this.timeline.failed;
    this.timeline.mark(`${rooms.length.toLocaleString('en')} overlays arrive`);
    await this.crowds.arrive({
      kind,
      ports: this.ports,
      rooms: this.mill.rooms,
      places: this.dice.shuffled(rooms),
      due: rooms.map((_, n) => due(n)),
    });
    await until(ALL_IN_MS, () => this.timeline.connected + this.timeline.failed - before >= rooms.length);
  }

  /** Says where new links go from now on. */
  async turn(): Promise<void> {
    await this.crowds.turnTo(this.ports);
  }

  /** Tips at the scenario's rate. A failure is told to whoever waits for their end, who may have other things to do before. */
  tips(seconds = this.scenario.holdSeconds): Promise<void> {
    const all = this.mill.grind(this.scenario.tipsPerSecond, seconds);
    all.catch(() => undefined);
    return all;
  }

  async hold(seconds = this.scenario.holdSeconds): Promise<void> {
    await sleep(seconds * 1000);
  }

  /** Resolves when every overlay has everything, or nothing more comes of waiting. */
  async settle(): Promise<void> {
    await until(SETTLE_MS, async () => {
      const { missing, open, overlays } = await this.crowds.audit(this.mill.told);
      return missing === 0 && open === overlays;
    });
    // What the last tick has not told yet.
    await sleep(600);
  }

  /** What a play knows of the fleet beyond its processes. */
  watch(view: () => Partial<FleetView>): void {
    this.view = view;
  }

  async close(): Promise<void> {
    clearInterval(this.watching);
    await this.crowds.close();
    await this.fleet.stop();
  }

  private look(): void {
    const pids = this.fleet.members.map(({ child }) => child.pid);
    const fleet = { gateways: pids.length, cores: this.cores(pids), residentMiB: safely(() => residentBytes(pids)) / 2 ** 20 };
    this.progress.say(this.timeline.pass({ ...fleet, ...this.view() }));
  }

  private cores(pids: readonly number[]): number {
    const now = new Map(pids.map((pid) => [pid, safely(() => cpuMicroseconds([pid]))]));
    const used = [...now].reduce((sum, [pid, cpu]) => sum + Math.max(0, cpu - (this.cpuBefore.get(pid) ?? cpu)), 0);
    this.cpuBefore = now;
    return used / 1e6;
  }
}

/** A process may have ended between two looks. */
function safely(read: () => number): number {
  try {
    return read();
  } catch {
    return 0;
  }
}

/** True when it came to hold, false when the time is over. */
export async function until(ms: number, holds: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const deadline = Date.now() + ms; ;) {
    if (await holds()) return true;
    if (Date.now() > deadline) return false;
    await sleep(LOOK_MS);
  }
}
