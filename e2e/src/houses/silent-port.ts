import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import * as z from 'zod';

/** Listens in a thread that then sleeps for ever, so that nobody accepts. */
const LISTENER = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;
/** On loopback a handshake takes microseconds, if anybody is at home. */
const SILENCE_MS = 250;
const MOST_FILLERS = 20;

/**
 * A port that neither takes nor refuses a connection, like one on a machine that has lost its power: its queue is full, so the kernel drops every
 * SYN that comes.
 */
export class SilentPort {
  private constructor(
    readonly port: number,
    private readonly listener: Worker,
    private readonly fillers: readonly Socket[],
  ) {}

  static async open(): Promise<SilentPort> {
    const listener = new Worker(LISTENER, { eval: true });
    const [port] = z.tuple([z.number()]).parse(await once(listener, 'message'));
    const fillers: Socket[] = [];
    for (;;) {
      const filler = connect(port, '127.0.0.1').on('error', () => undefined);
      fillers.push(filler);
      const isTaken = once(filler, 'connect').then(() => true);
      if (!(await Promise.race([isTaken, sleep(SILENCE_MS, false)]))) return new SilentPort(port, listener, fillers);
      if (fillers.length > MOST_FILLERS) throw new Error('a queue of one is never full');
    }
  }

  async close(): Promise<void> {
    for (const filler of this.fillers) filler.destroy();
    await this.listener.terminate();
  }
}
