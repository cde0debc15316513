import { Agent, get } from 'node:http';
import { LoadOrder, type LoadAnswer, type Run } from './load-orders.js';
import { PollCrowd } from './poll-crowd.js';

/*
 * A process of its own, started with an IPC channel: asks over connections that stay open, so that what is measured has a processor for
 * itself and no client's work in its event loop.
 */
let crowd: PollCrowd | undefined;
const answer = (message: LoadAnswer): void => {
  process.send?.(message);
};

process.on('message', (message) => {
  const order = LoadOrder.parse(message);
  if (order.op === 'run') void run(order).then(answer);
  else if (order.op === 'wait') {
    crowd = new PollCrowd(order);
    answer({ op: 'waiting' });
  } else if (order.op === 'report') answer({ op: 'report', ...(crowd?.report() ?? { heard: [], failed: 0, why: '' }) });
  else crowd?.stop();
});
process.once('disconnect', () => process.exit(0));

async function run({ port, connections, seconds, paths, authorization }: Run): Promise<LoadAnswer> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const headers = authorization === undefined ? {} : { authorization };
  const latenciesMs: number[] = [];
  const faults: string[] = [];
  const began = performance.now();
  const until = began + seconds * 1000;
  let next = 0;
  const one = (): Promise<void> =>
    new Promise((done) => {
      const path = paths[next % paths.length];
      next += 1;
      const from = performance.now();
      const fail = (error: Error): void => {
        faults.push(error.message);
        done();
      };
      get({ port, host: '127.0.0.1', path, headers, agent }, (response) => {
        response.resume();
        response.once('error', fail);
        response.once('end', () => {
          if (response.statusCode === 200) latenciesMs.push(performance.now() - from);
          else faults.push(`status ${String(response.statusCode)}`);
          done();
        });
      }).once('error', fail);
    });
  const inTurn = async (): Promise<void> => {
    while (performance.now() < until) await one();
  };
  await Promise.all(Array.from({ length: connections }, inTurn));
  agent.destroy();
  return { op: 'ran', latenciesMs, seconds: (performance.now() - began) / 1000, failed: faults.length, why: faults[0] ?? '' };
}
