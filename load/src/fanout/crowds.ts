import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within } from '@droppio/tips';
import { Answer, type Connect, type Order } from './crowd-orders.js';
import { Latencies } from './latencies.js';

const ANSWER_MS = 120_000;
const SOCKETS_EACH = 5000;

export interface Connected {
  readonly handshakesMs: readonly number[];
  readonly seconds: number;
}

export interface Delivered {
  readonly deliveries: number;
  readonly latencies: Latencies;
  readonly lost: number;
}

/** All clients of one run, in as many processes as they need. */
export class Crowds {
  private constructor(private readonly children: readonly ChildProcess[]) {}

  static open(sockets: number): Crowds {
    const count = Math.ceil(sockets / SOCKETS_EACH);
    const script = fileURLToPath(new URL('crowd.js', import.meta.url));
    return new Crowds(Array.from({ length: count }, (_, n) => fork(script, [String(n + 1)], { execArgv: [] })));
  }

  /** Throws when a single one is not let in. */
  async connect(order: Omit<Connect, 'op'>): Promise<Connected> {
    const share = order.sockets / this.children.length;
    const answers = await this.ask({ op: 'connect', ...order, sockets: share, perSecond: order.perSecond / this.children.length });
    const connected = answers.flatMap((answer) => (answer.op === 'connected' ? [answer] : []));
    const failed = connected.find((answer) => answer.failed > 0);
    if (failed !== undefined) throw new Error(`${String(failed.failed)} sockets were not let in: ${failed.why}`);
    return {
      handshakesMs: connected.flatMap(({ handshakesMs }) => handshakesMs),
      seconds: Math.max(...connected.map(({ seconds }) => seconds)),
    };
  }

  async reset(): Promise<void> {
    await this.ask({ op: 'reset' });
  }

  async report(): Promise<Delivered> {
    const reports = (await this.ask({ op: 'report' })).flatMap((answer) => (answer.op === 'report' ? [answer] : []));
    const sum = (of: (report: (typeof reports)[number]) => number): number => reports.reduce((total, report) => total + of(report), 0);
    return {
      deliveries: sum(({ deliveries }) => deliveries),
      lost: sum(({ lost }) => lost),
      latencies: new Latencies(reports.flatMap(({ buckets }) => buckets)),
    };
  }

  /** The sockets end with their processes. */
  async close(): Promise<void> {
    await Promise.all(
      this.children.map(async (child) => {
        if (child.exitCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }),
    );
  }

  private async ask(order: Order): Promise<readonly Answer[]> {
    const answers = this.children.map(async (child) => {
      const answered = new Promise<unknown>((resolve) => child.once('message', resolve));
      child.send(order);
      const message = await within(ANSWER_MS, `an answer of the crowd to ${order.op}`, answered);
      return Answer.parse(message);
    });
    return Promise.all(answers);
  }
}
