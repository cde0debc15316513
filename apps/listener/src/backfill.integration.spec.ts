import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { loadEnv, startApp, StartupFault, type RunningApp } from '@droppio/platform';
import { openTestStorage, type TestStorage } from '@droppio/storage/testing';
import { deployTipJar, DevChain, openWallet, type TipWallet } from '@droppio/tip-jar';
import { deployContract, tipBatchAbi, tipBatchBytecode } from '@droppio/tip-jar/testing';
import type { Hex } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { listenerSettings, type ListenerSettings } from './env.js';
import { listenerApp } from './listener.app.js';
import { runBackfill } from './run-backfill.js';

Logger.overrideLogger(false);

const BLOCKS = 300;
const asked = z.object({ id: z.number(), method: z.string(), params: z.array(z.unknown()) });
const rangeOf = z.tuple([z.object({ fromBlock: z.string(), toBlock: z.string() })]);

const refusal = (id: number, most: number): string =>
  JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32000, message: `query exceeds max block range ${String(most)}` } });

/** An honest node in front of which a provider sets limits. */
class Provider {
  /** Blocks that it serves at once. */
  most = 10_000;
  /** Waits before each answer about logs. */
  delayMs = 0;
  /** Answers that it still gives about logs; those beyond wait until it is let go on. */
  private left = Number.POSITIVE_INFINITY;
  private readonly waiting: (() => void)[] = [];
  /** Questions about logs that it answered. */
  answered = 0;
  private constructor(
    private readonly server: Server,
    private readonly target: string,
  ) {}

  static async before(target: string): Promise<Provider> {
    const server = createServer();
    const provider = new Provider(server, target);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        provider.answer(Buffer.concat(chunks).toString('utf8')).then(
          (answer) => response.setHeader('content-type', 'application/json').end(answer),
          () => response.writeHead(502).end(),
        );
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  stopAfter(answers: number): void {
    this.left = answers;
  }

  goOn(): void {
    this.left = Number.POSITIVE_INFINITY;
    for (const go of this.waiting.splice(0)) go();
  }

  async stop(): Promise<void> {
    this.goOn();
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async answer(body: string): Promise<string> {
    const question = asked.parse(JSON.parse(body));
    if (question.method === 'eth_getLogs') {
      const { data } = rangeOf.safeParse(question.params);
      const [from, to] = [Number(data?.[0].fromBlock), Number(data?.[0].toBlock)];
      if (to - from + 1 > this.most) return refusal(question.id, this.most);
      await new Promise((resolve) => setTimeout(resolve, this.delayMs));
      this.left -= 1;
      if (this.left < 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
      this.answered += 1;
    }
    return (await fetch(this.target, { method: 'POST', body, headers: { 'content-type': 'application/json' } })).text();
  }
}

let chain: DevChain;
let wallet: TipWallet;
let jar: Hex;
/** Keys of all tips, in order. */
let onChain: readonly string[];

beforeAll(async () => {
  chain = await DevChain.start({ slotsInAnEpoch: 1, anvilPath: inject('anvilPath') });
  const [account] = chain.accounts;
  if (account === undefined) throw new Error('a dev chain has accounts');
  wallet = await openWallet({ rpcUrl: chain.rpcUrl, privateKey: account.privateKey, pollMs: 5 });
  jar = await deployTipJar(wallet);
  const batch = await deployContract(wallet, tipBatchBytecode);
  const first = await wallet.getTransactionCount({ address: wallet.account.address });
  for (let at = 0; at < BLOCKS; at += 1) {
    const creators = Array.from({ length: 1 + (at % 3) }, () => randomHex(20));
    const args = [jar, creators, `tip ${String(at)}`] as const;
    const value = BigInt(creators.length);
    const hash = await wallet.writeContract({
      address: batch,
      abi: tipBatchAbi,
      functionName: 'tipAll',
      args,
      value,
      nonce: first + at,
      gas: 1_000_000n,
    });
    // One after the other: a busy machine would put several of them into a block.
    await wallet.waitForTransactionReceipt({ hash });
  }
  // So that where the walk begins, twelve blocks below the head, lies above all of them, and all are final.
  await wallet.request<{ Method: string; Parameters: readonly unknown[]; ReturnType: unknown }>({ method: 'anvil_mine', params: ['0x20'] });
  const ranks = new Map<string, number>();
  onChain = (await wallet.getLogs({ address: jar, fromBlock: 0n, toBlock: 'latest' })).map(({ transactionHash }) => {
    const rank = ranks.get(transactionHash) ?? 0;
    ranks.set(transactionHash, rank + 1);
    return `${transactionHash}-${String(rank)}`;
  });
}, 120_000);
afterAll(() => chain.stop());

let storage: TestStorage;
let provider: Provider;
let redisDb = 0;
const apps: RunningApp[] = [];

beforeEach(async () => {
  storage = await openTestStorage(inject('postgresUrl'), { poolSize: 2 });
  provider = await Provider.before(chain.rpcUrl);
  // A Redis of its own: queues are named after nothing but the product.
  redisDb += 1;
});
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close('test');
  await provider.stop();
  await storage.drop();
});

function settings(given: Record<string, string> = {}): ListenerSettings {
  return loadEnv(listenerSettings, {
    DATABASE_URL: storage.url,
    REDIS_URL: `${inject('redisUrl')}/${String(redisDb)}`,
    INTERNAL_PORT: '0',
    LOG_LEVEL: 'error',
    BACKFILL_WORK: 'false',
    CHAINS: JSON.stringify([{ chainId: 31337, name: 'dev', rpcUrls: [provider.url], tipJar: jar, native: { symbol: 'ETH' }, pollMs: 50 }]),
    ...given,
  });
}

/** A listener that began to walk when all the tips were history. */
async function aListener(given: Record<string, string> = {}): Promise<void> {
  const app = await startApp(listenerApp(settings(given)));
  apps.push(app);
  await expect
    .poll(async () => (await query('SELECT number FROM chain_cursors WHERE walk_filter IS NOT NULL')).length, { timeout: 20_000 })
    .toBe(1);
}

async function query(statement: string): Promise<readonly Record<string, unknown>[]> {
  return rows.parse(await storage.database.source.query(statement));
}
const rows = z.array(z.record(z.string(), z.unknown()));

async function stored(): Promise<readonly string[]> {
  const found = await query(`SELECT '0x' || encode(tx_hash, 'hex') || '-' || ordinal AS key FROM tips ORDER BY block_number, log_index`);
  return found.map(({ key }) => String(key));
}

async function backfill(
  args: { chainId?: number; from?: number; to?: number } = {},
  over = new AbortController().signal,
  env = settings(),
) {
  const printed = { out: '', err: '' };
  const streams = {
    out: { write: (text: string) => (printed.out += text) },
    err: { write: (text: string) => (printed.err += text) },
  };
  const code = await runBackfill({ chainId: 31337, from: 0, ...args }, env, over, streams);
  return { code, ...printed };
}

describe('npm run backfill', () => {
  it('finds exactly the tips of the chain, tells nobody, and nothing new the second time', async () => {
    await aListener();
    const first = await backfill();
    expect(first).toMatchObject({ code: 0 });
    expect(first.out).toMatch(new RegExp(`stored ${String(onChain.length)} tips and knew 0\\.`));
    expect(await stored()).toEqual(onChain);
    expect(await query(`SELECT state, count(*)::int FROM tips GROUP BY 1`)).toEqual([{ state: 'finalized', count: onChain.length }]);
    expect(await query('SELECT count(*)::int FROM creator_events')).toEqual([{ count: 0 }]);
    const second = await backfill();
    expect(second).toMatchObject({ code: 0, err: '' });
    expect(second.out).toMatch(/^Nothing to do: blocks 0 to \d+ of chain dev are searched already\.\n$/);
  });

  it('leaves its work to running listeners as well', async () => {
    await aListener({ BACKFILL_WORK: 'true' });
    provider.most = 20;
    provider.delayMs = 5;
    expect(await backfill()).toMatchObject({ code: 0 });
    expect(await stored()).toEqual(onChain);
  });

  it('goes on where it was stopped, and stores nothing twice', async () => {
    await aListener();
    provider.most = 10;
    const stopping = new AbortController();
    provider.answered = 0;
    // About half of them: one answer for ten blocks, each of which holds one transaction.
    provider.stopAfter(17);
    const running = backfill({}, stopping.signal);
    await expect.poll(() => provider.answered, { interval: 5, timeout: 20_000 }).toBe(17);
    await expect.poll(async () => (await stored()).length, { timeout: 20_000 }).toBeGreaterThan(0);
    stopping.abort();
    provider.goOn();
    const cut = await running;
    expect(cut.out).toContain('Run the same command again to go on');
    const half = await stored();
    expect(half.length).toBeGreaterThan(0);
    expect(half.length).toBeLessThan(onChain.length);
    const rest = await backfill();
    expect(rest.code).toBe(0);
    expect(rest.out).toContain(`stored ${String(onChain.length - half.length)} tips and knew 0.`);
    expect(await stored()).toEqual(onChain);
  });

  it('covers only what was asked for', async () => {
    await aListener();
    const run = await backfill({ from: 100, to: 199 });
    expect(run.code).toBe(0);
    expect(await query('SELECT from_number::int, to_number::int FROM chain_coverage')).toEqual([{ from_number: 100, to_number: 199 }]);
    expect(await query('SELECT count(*)::int FROM tips WHERE block_number NOT BETWEEN 100 AND 199')).toEqual([{ count: 0 }]);
  });

  it('says in a sentence what does not fit', async () => {
    await expect(backfill()).rejects.toThrow(/No listener has followed chain dev yet/);
    await expect(backfill({ chainId: 5 })).rejects.toThrow('Chain 5 is not among CHAINS, which names 31337 (dev).');
    await aListener();
    await expect(backfill({ from: 1_000_000 })).rejects.toThrow(
      /Block 1,000,000 of chain dev is not final yet; block \d+ is the newest that is/,
    );
    await expect(backfill({}, undefined, settings({ REDIS_URL: 'redis://127.0.0.1:1' }))).rejects.toThrow(
      /Redis at REDIS_URL does not answer/,
    );
    const { out } = await backfill({ from: 0, to: 9_999_999 });
    expect(out).toMatch(/^Blocks above \d+ are the listener’s business/);
    const env = settings();
    await provider.stop();
    const failure: unknown = await backfill({}, undefined, env).catch((error: unknown) => error);
    provider = await Provider.before(chain.rpcUrl);
    expect(failure).toBeInstanceOf(StartupFault);
    expect(String(failure)).toMatch(/No node of chain dev tells how far it is final/);
  });
});
