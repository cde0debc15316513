import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within } from '@droppio/tips';
import { Answer, type Audit, type Knocked, type Order, type OverlayKind, type Room, type Tick } from './orders.js';

const ANSWER_MS = 120_000;
const OVERLAYS_EACH = 2500;

export interface Arrival {
  readonly kind: OverlayKind;
  readonly ports: readonly number[];
  readonly rooms: readonly Room[];
  /** Of each overlay, the place of its room. */
  readonly places: readonly number[];
  /** When each is due, milliseconds from now. */
  readonly due: readonly number[];
}

/** All overlays of a run, in as many processes as they need. */
export class Crowds {
  private readonly waiting = new Map<ChildProcess, (answer: Answer) => void>();
  private isClosing = false;

  private constructor(
    private readonly children: readonly ChildProcess[],
    tick: (tick: Tick, process: number) => void,
  ) {
    for (const [n, child] of children.entries()) {
      child.on('message', (message) => {
        const answer = Answer.parse(message);
        if (answer.op === 'tick') tick(answer, n);
        else this.waiting.get(child)?.(answer);
      });
    }
  }

  /** `tick` is called twice a second for each process. */
  static open(overlays: number, tick: (tick: Tick, process: number) => void): Crowds {
    const count = Math.ceil(overlays / OVERLAYS_EACH);
    const script = fileURLToPath(new URL('crowd.js', import.meta.url));
    const children = Array.from({ length: count }, (_, n) => fork(script, [String(n)], { execArgv: [] }));
    return new Crowds(children, tick);
  }

  /** Each at its time, whoever still waits. Resolves when the last one was due. */
  async arrive({ kind, ports, rooms, places, due }: Arrival): Promise<void> {
    // A process that is still loading would let everybody wait.
    await this.turnTo(ports);
    const startAt = Date.now() + 100;
    const share = <T>(list: readonly T[], child: number): T[] => list.filter((_, n) => n % this.children.length === child);
    await this.ask(
      (n) => {
        const [mine, times] = [share(places, n), share(due, n)];
        return { op: 'open', kind, ports: [...ports], rooms: [...rooms], places: mine, due: times, startAt };
      },
      (due.at(-1) ?? 0) / 1000,
    );
  }

  async turnTo(ports: readonly number[]): Promise<void> {
    await this.ask(() => ({ op: 'ports', ports: [...ports] }));
  }

  async churn(perSecond: number): Promise<void> {
    await this.ask(() => ({ op: 'churn', perSecond: perSecond / this.children.length }));
  }

  async leave(overlays: number): Promise<void> {
    await this.ask(() => ({ op: 'leave', overlays: Math.round(overlays / this.children.length) }));
  }

  /** By how many tips each room was told. */
  async audit(told: readonly number[]): Promise<Audit> {
    const audits = (await this.ask(() => ({ op: 'audit', told: [...told] }))).filter((answer) => answer.op === 'audit');
    const sum = (of: (audit: Audit) => number): number => audits.reduce((total, audit) => total + of(audit), 0);
    return {
      op: 'audit',
      overlays: sum(({ overlays }) => overlays),
      open: sum(({ open }) => open),
      missing: sum(({ missing }) => missing),
      doubled: sum(({ doubled }) => doubled),
      leaked: sum(({ leaked }) => leaked),
      holes: sum(({ holes }) => holes),
      delivered: sum(({ delivered }) => delivered),
    };
  }

  async knock(ports: readonly number[], token: string, times: number, perSecond: number): Promise<Knocked> {
    const [child] = this.children;
    if (child === undefined) throw new Error('there is no crowd');
    const answer = await this.askOne(child, { op: 'knock', ports: [...ports], token, times, perSecond }, times / perSecond);
    if (answer.op !== 'knock') throw new Error('another question was answered');
    return answer;
  }

  /** The overlays end with their processes. */
  async close(): Promise<void> {
    this.isClosing = true;
    await Promise.all(
      this.children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }),
    );
  }

  private ask(order: (child: number) => Order, seconds = 0): Promise<Answer[]> {
    return Promise.all(this.children.map((child, n) => this.askOne(child, order(n), seconds)));
  }

  private async askOne(child: ChildProcess, order: Order, seconds: number): Promise<Answer> {
    const answered = new Promise<Answer>((resolve, reject) => {
      this.waiting.set(child, resolve);
      child.once('exit', () => {
        if (!this.isClosing) reject(new Error('a process of the crowd ended by itself'));
      });
    });
    child.send(order);
    try {
      return await within(ANSWER_MS + seconds * 1000, `an answer of the crowd to ${order.op}`, answered);
    } finally {
      child.removeAllListeners('exit');
    }
  }
}
