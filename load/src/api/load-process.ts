import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within } from '@droppio/tips';
import { LoadAnswer, type Heard, type LoadOrder, type Run, type Wait } from './load-orders.js';

const GRACE_MS = 30_000;

export interface Ran {
  readonly latenciesMs: readonly number[];
  readonly seconds: number;
}

/** The client's side of a run. */
export class LoadProcess {
  private constructor(private readonly child: ChildProcess) {}

  static start(): LoadProcess {
    return new LoadProcess(fork(fileURLToPath(new URL('load-client.js', import.meta.url)), [], { execArgv: [] }));
  }

  /** Throws when a single request fails. */
  async run(order: Omit<Run, 'op'>): Promise<Ran> {
    const answer = await this.ask({ op: 'run', ...order }, order.seconds * 1000 + GRACE_MS);
    if (answer.op !== 'ran') throw new TypeError(`the client answered ${answer.op}`);
    if (answer.failed > 0) throw new Error(`${String(answer.failed)} requests failed: ${answer.why} at ${order.paths[0] ?? ''}`);
    return answer;
  }

  async wait(order: Omit<Wait, 'op'>): Promise<void> {
    await this.ask({ op: 'wait', ...order }, GRACE_MS);
  }

  /** What came to the waiting so far. Throws when one of them failed. */
  async report(): Promise<readonly Heard[]> {
    const answer = await this.ask({ op: 'report' }, GRACE_MS);
    if (answer.op !== 'report') throw new TypeError(`the client answered ${answer.op}`);
    if (answer.failed > 0) throw new Error(`${String(answer.failed)} polls failed: ${answer.why}`);
    return answer.heard;
  }

  async stop(): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.disconnect();
    await within(GRACE_MS, 'the end of the client', gone).catch(() => this.child.kill('SIGKILL'));
  }

  private async ask(order: LoadOrder, ms: number): Promise<LoadAnswer> {
    const answered = new Promise<unknown>((resolve) => this.child.once('message', resolve));
    this.child.send(order);
    const message = await within(ms, `"${order.op}" of the client`, answered);
    return LoadAnswer.parse(message);
  }
}
