import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import type { BlockHeader } from '@droppio/tips';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unregisteredMetrics } from '../metrics.js';
import { FakeSocketNode } from '../testing/fake-socket-node.js';
import { JAR } from '../testing/follow-kit.js';
import { ScriptedChain } from '../testing/scripted-chain.js';
import { blockOf } from '../testing/scripted-node.js';
import { HeadWatch, type HeadSources } from './head-watch.js';

Logger.overrideLogger(false);

let chain: ScriptedChain;
let node: FakeSocketNode;
let watching: AbortController;
let running: Promise<void>;
let heads: { head: BlockHeader; from: string }[];

beforeEach(async () => {
  chain = new ScriptedChain(1, JAR);
  chain.mine();
  node = await FakeSocketNode.start();
  watching = new AbortController();
  running = Promise.resolve();
  heads = [];
});
afterEach(async () => {
  watching.abort();
  await running;
  await node.stop().catch(() => undefined);
});

/** A poll that never finds anything unless told to: what comes then came by push. */
function watch({ sockets = [{ url: node.url, name: 'ws', chainId: 1 }], ...fields }: Partial<HeadSources> = {}): void {
  const sources: HeadSources = { chainId: 1, sockets, polled: [], ...fields };
  const listener = (head: BlockHeader, _at: number, from: string): void => {
    heads.push({ head, from });
  };
  running = new HeadWatch(sources, listener, new SystemClock(), unregisteredMetrics().heads).run(watching.signal);
}

/** Before the poll that finds a socket gone silent: what is heard this soon came by itself. */
const SOON = { timeout: 2000 };
const polled = [{ name: 'rpc', head: () => chain.head() }];
const heard = (): readonly string[] => heads.map(({ head }) => head.hash);
const subscribed = async (times = 1): Promise<void> => {
  await expect.poll(() => node.connections, { timeout: 5000 }).toBeGreaterThanOrEqual(times);
  await expect.poll(() => node.clients.length, { timeout: 5000 }).toBeGreaterThan(0);
};

describe(HeadWatch.name, () => {
  it('tells each head once, however many tell of it', async () => {
    watch({ polled });
    await subscribed();
    const head = chain.mine();
    node.push(blockOf(head));
    node.push(blockOf(head));
    await expect.poll(heard, SOON).toContain(head.hash);
    await chain.head();
    expect(heard().filter((hash) => hash === head.hash)).toHaveLength(1);
  });

  it('comes back after every cut, however often, and closes the gap by asking', async () => {
    watch({ polled, pollMs: 60_000 });
    for (let cut = 1; cut <= 3; cut += 1) {
      await subscribed(cut);
      node.cut();
      await expect.poll(() => node.clients.length).toBe(0);
      // Nobody pushes this one, and the next poll is a minute away.
      const missed = chain.mine();
      await expect.poll(heard, { timeout: 3000 }).toContain(missed.hash);
    }
  });

  it('comes back after an outage during which nothing listened', async () => {
    watch();
    await subscribed();
    const { port } = node;
    await node.stop();
    await new SystemClock().sleep(1200);
    await node.restart(port);
    await subscribed(2);
    const head = chain.mine();
    await expect.poll(() => (node.push(blockOf(head)), heard()), { timeout: 5000 }).toContain(head.hash);
  }, 20_000);

  /** Of the scripted chain: 2 s a block. */
  const STALE_MS = 1.5 * 2000 + 500;

  it('hears the next block within one and a half block times and half a second when a socket has gone silent, and replaces the socket', async () => {
    // Settings would allow a minute between polls.
    watch({ polled, pollMs: 60_000 });
    await subscribed();
    for (let n = 0; n < 3; n += 1) {
      const head = chain.mine();
      node.push(blockOf(head));
      await expect.poll(heard, SOON).toContain(head.hash);
    }
    const began = performance.now();
    const unpushed = chain.mine();
    await expect.poll(heard, { timeout: STALE_MS + 1000, interval: 10 }).toContain(unpushed.hash);
    expect(performance.now() - began).toBeLessThan(STALE_MS + 200);
    await expect.poll(() => node.connections, { timeout: STALE_MS, interval: 10 }).toBe(2);
    expect(performance.now() - began).toBeLessThan(STALE_MS + 1000);
    await subscribed(2);
    const next = chain.mine();
    node.push(blockOf(next));
    await expect.poll(heard, SOON).toContain(next.hash);
  }, 15_000);

  it('lets go of a socket that was silent from its first moment', async () => {
    watch({ polled, pollMs: 50 });
    await subscribed();
    await expect.poll(() => (chain.mine(), node.connections), { timeout: 8000, interval: 200 }).toBeGreaterThanOrEqual(2);
  });

  it('keeps a socket that tells of every block, though later than the polls', async () => {
    watch({ polled, pollMs: 50 });
    await subscribed();
    for (let n = 0; n < 4; n += 1) {
      const head = chain.mine();
      await expect.poll(heard, { interval: 10, timeout: 4000 }).toContain(head.hash);
      await new SystemClock().sleep(600);
      node.push(blockOf(head));
    }
    expect(node.connections).toBe(1);
  }, 15_000);

  it('lets go of a socket that answers no ping', async () => {
    node.answersPings = false;
    watch({ sockets: [{ url: node.url, name: 'ws', chainId: 1, pingEveryMs: 100 }] });
    await subscribed(2);
  });

  it('keeps a socket that answers its pings', async () => {
    watch({ sockets: [{ url: node.url, name: 'ws', chainId: 1, pingEveryMs: 50 }] });
    await subscribed();
    await new SystemClock().sleep(600);
    expect(node.connections).toBe(1);
  });

  it('keeps a silent socket as long as the chain itself stands still', async () => {
    watch({ polled, pollMs: 50 });
    await subscribed();
    await new SystemClock().sleep(STALE_MS + 1000);
    expect(node.connections).toBe(1);
  });

  it('polls at its own pace while no socket is there', async () => {
    const sockets = [{ url: node.url, name: 'ws', chainId: 1 }];
    await node.stop();
    watch({ polled, sockets, pollMs: 50 });
    for (let n = 0; n < 3; n += 1) {
      const head = chain.mine();
      await expect.poll(heard, SOON).toContain(head.hash);
    }
    node = await FakeSocketNode.start();
  });

  it('is not moved by answers that are none: rubbish, other methods, pending blocks', async () => {
    watch();
    await subscribed();
    for (const rubbish of ['', 'not json', '[]', '{"id":1}', '{"method":"eth_subscription"}']) node.send(rubbish);
    node.push({ ...blockOf(chain.tip), number: null });
    node.push(null);
    const head = chain.mine();
    node.push(blockOf(head));
    await expect.poll(heard, SOON).toEqual([head.hash]);
    expect(node.connections).toBe(1);
  });

  it('does not listen to a socket of another chain', async () => {
    node.chainId = 2;
    watch();
    await expect.poll(() => node.connections).toBe(1);
    await expect.poll(() => node.clients.length).toBe(0);
    expect(heads).toEqual([]);
  });

  it('tries again where a subscription is refused', async () => {
    node.subscribes = false;
    watch();
    await expect.poll(() => node.connections, { timeout: 5000 }).toBeGreaterThan(1);
    node.subscribes = true;
    const head = chain.mine();
    await expect.poll(() => (node.push(blockOf(head)), heard()), { timeout: 5000 }).toEqual([head.hash]);
  });

  it('ends with its signal, sockets and all', async () => {
    watch({ polled });
    await subscribed();
    watching.abort();
    await running;
    await expect.poll(() => node.clients.length).toBe(0);
  });
});
