import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deployTipJar, DevChain, openWallet, sendTip, type TipWallet } from '@droppio/tip-jar';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { ROOT, startApp, type AppProcess } from './houses/index.js';
import { startChild, type Child } from './services/child.js';

const TIPS = 150;
/** How long the node takes for each question about logs, and how few blocks it serves at once: the search takes some seconds. */
const SLOW = { ms: 120, blocks: 5 };

const RangeQuestion = z.object({
  id: z.number(),
  method: z.literal('eth_getLogs'),
  params: z.tuple([z.object({ fromBlock: z.string(), toBlock: z.string() })]),
});

let chain: DevChain;
let wallet: TipWallet;
let node: Server;
let listener: AppProcess;
let database: pg.Client;
let settings: Record<string, string>;

/** In front of anvil, slow and sparing where logs are asked for. */
async function slowNode(target: string): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      answer(target, Buffer.concat(chunks).toString('utf8')).then(
        (text) => response.setHeader('content-type', 'application/json').end(text),
        () => response.writeHead(502).end(),
      );
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

async function answer(target: string, body: string): Promise<string> {
  const question = RangeQuestion.safeParse(JSON.parse(body)).data;
  if (question !== undefined) {
    await sleep(SLOW.ms);
    const [{ fromBlock, toBlock }] = question.params;
    const error = { code: -32000, message: `query exceeds max block range ${String(SLOW.blocks)}` };
    if (Number(toBlock) - Number(fromBlock) >= SLOW.blocks) return JSON.stringify({ jsonrpc: '2.0', id: question.id, error });
  }
  return (await fetch(target, { method: 'POST', body, headers: { 'content-type': 'application/json' } })).text();
}

const count = async (table: string): Promise<number> => {
  const { rows } = await database.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
  return rows[0]?.n ?? -1;
};

function command(): Child {
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...settings };
  return startChild(process.execPath, [resolve(ROOT, 'apps/listener/dist/backfill.js'), '--chain', '31337', '--from', '0'], {
    env,
    cwd: ROOT,
  });
}

/** Lets a command run until the number of stored tips has grown, then ends it. */
async function cutShort(signal: NodeJS.Signals): Promise<{ readonly code: number; readonly output: string }> {
  const before = await count('tips');
  const child = command();
  const deadline = Date.now() + 60_000;
  while ((await count('tips')) <= before) {
    if (Date.now() > deadline || child.process.exitCode !== null) throw new Error(`nothing was found:\n${child.output()}`);
    await sleep(20);
  }
  child.process.kill(signal);
  return { code: await child.ended, output: child.output() };
}

beforeAll(async () => {
  chain = await DevChain.start({ slotsInAnEpoch: 1, anvilPath: inject('anvilPath') });
  const [account, creator] = chain.accounts;
  if (account === undefined || creator === undefined) throw new Error('a dev chain has accounts');
  wallet = await openWallet({ rpcUrl: chain.rpcUrl, privateKey: account.privateKey, pollMs: 5 });
  const jar = await deployTipJar(wallet);
  for (let n = 0; n < TIPS; n += 1) {
    const hash = await sendTip(wallet, { jar, creator: creator.address, amount: 1n + BigInt(n), message: `tip ${String(n)}` });
    await wallet.waitForTransactionReceipt({ hash });
  }
  await wallet.request<{ Method: string; Parameters: readonly unknown[]; ReturnType: unknown }>({ method: 'anvil_mine', params: ['0x20'] });
  node = await slowNode(chain.rpcUrl);
  const admin = new pg.Client({ connectionString: inject('postgresUrl') });
  await admin.connect();
  const name = `backfill_${randomBytes(6).toString('hex')}`;
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  const rpcUrls = [`http://127.0.0.1:${String((node.address() as AddressInfo).port)}`];
  settings = {
    DATABASE_URL: url.href,
    REDIS_URL: `${inject('redisUrl')}/11`,
    INTERNAL_PORT: '0',
    BACKFILL_WORK: 'false',
    CHAINS: JSON.stringify([{ chainId: 31337, name: 'dev', rpcUrls, tipJar: jar, native: { symbol: 'ETH' } }]),
  };
  listener = await startApp('listener', settings);
  database = new pg.Client({ connectionString: url.href });
  await database.connect();
  while ((await count('chain_cursors WHERE walk_filter IS NOT NULL')) === 0) await sleep(50);
});
afterAll(async () => {
  await database.end();
  await listener.child.stop();
  node.closeAllConnections();
  node.close();
  await chain.stop();
});

describe('a backfill that is ended in the middle', () => {
  it('goes on where it was after Ctrl-C and after SIGKILL, and has every tip once in the end', async () => {
    const stopped = await cutShort('SIGINT');
    expect(stopped.code).toBe(130);
    expect(stopped.output).toContain('Run the same command again to go on');
    expect((await cutShort('SIGKILL')).code).toBe(128);
    expect(await count('tips')).toBeLessThan(TIPS);
    const last = command();
    expect(await last.ended).toBe(0);
    expect(last.output()).toMatch(/100 %|blocks searched/);
    const { rows } = await database.query<{ message: string }>('SELECT message FROM tips ORDER BY block_number, log_index');
    expect(rows.map(({ message }) => message)).toEqual(Array.from({ length: TIPS }, (_, n) => `tip ${String(n)}`));
    expect(await count(`tips WHERE state <> 'finalized' OR told_to IS NOT NULL`)).toBe(0);
    expect(await count('creator_events')).toBe(0);
    expect(await count('chain_coverage')).toBe(1);
  });
});

describe('a backfill that cannot begin', () => {
  const run = async (
    args: readonly string[],
    given: Record<string, string>,
  ): Promise<{ readonly code: number; readonly output: string }> => {
    const env = { PATH: process.env['PATH'] ?? '', ...given };
    const child = startChild(process.execPath, [resolve(ROOT, 'apps/listener/dist/backfill.js'), ...args], { env, cwd: ROOT });
    return { code: await child.ended, output: child.output() };
  };

  it('says so in sentences and ends with 1', async () => {
    const usage = await run(['--chain', '31337'], settings);
    expect(usage).toMatchObject({ code: 1, output: expect.stringMatching(/^--from is missing\. Usage: [^\n]+\n$/) as unknown });
    const { REDIS_URL, ...others } = settings;
    expect(REDIS_URL).toBeDefined();
    const lonely = await run(['--chain', '31337', '--from', '0'], others);
    expect(lonely.code).toBe(1);
    expect(lonely.output).toMatch(/REDIS_URL is missing\.\n.*A standalone without REDIS_URL needs none/);
    const strange = await run(['--chain', '5', '--from', '0'], settings);
    expect(strange).toMatchObject({ code: 1, output: 'Chain 5 is not among CHAINS, which names 31337 (dev).\n' });
  });
});
