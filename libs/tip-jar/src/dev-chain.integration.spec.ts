import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestClient, http, publicActions } from 'viem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deployTipJar } from './deploy-tip-jar.js';
import { DevChain, type DevChainOptions } from './dev-chain.js';
import { sendTip, TIP_TOPIC } from './send-tip.js';
import { openWallet, type TipWallet } from './tip-wallet.js';

let folder: string;
let chains: DevChain[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'droppio-chain-'));
  chains = [];
});
afterEach(async () => {
  await Promise.all(chains.map((chain) => chain.stop().catch(() => undefined)));
  await rm(folder, { recursive: true });
});

const start = async (options: DevChainOptions = {}): Promise<DevChain> => {
  const chain = await DevChain.start(options);
  chains.push(chain);
  return chain;
};
const open = (chain: DevChain): Promise<TipWallet> => {
  const [account] = chain.accounts;
  if (account === undefined) throw new Error('a dev chain has accounts');
  return openWallet({ rpcUrl: chain.rpcUrl, privateKey: account.privateKey, pollMs: 10 });
};
const node = (chain: DevChain) =>
  createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl, { retryCount: 0 }) }).extend(publicActions);
const runs = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function someTips(chain: DevChain): Promise<{ hash: string; logs: number }> {
  const wallet = await open(chain);
  const jar = await deployTipJar(wallet);
  const hash = await sendTip(wallet, { jar, creator: '0x00000000000000000000000000000000000000c1', amount: 5n, message: 'gg' });
  await wallet.waitForTransactionReceipt({ hash });
  return facts(chain);
}

async function facts(chain: DevChain): Promise<{ hash: string; logs: number }> {
  const block = await node(chain).getBlock({ blockTag: 'latest' });
  const logs = await node(chain).getLogs({ blockHash: block.hash });
  return { hash: block.hash, logs: logs.filter((log) => log.topics[0] === TIP_TOPIC).length };
}

describe(DevChain.name, () => {
  it('answers on a free port and is gone after stop', async () => {
    const chain = await start();
    expect(await node(chain).getChainId()).toBe(31337);
    await chain.stop();
    await chain.exited;
    expect(runs(chain.pid)).toBe(false);
    await chain.stop();
  });

  it('lives in a session of its own, so that Ctrl-C in the terminal does not reach it', async () => {
    const chain = await start();
    const stat = await readFile(`/proc/${String(chain.pid)}/stat`, 'utf8');
    const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
    expect(session).toBe(chain.pid);
  });

  it('keeps blocks, logs and contracts across an orderly restart, at the same hashes', async () => {
    const stateFile = join(folder, 'chain.json');
    const first = await start({ stateFile, saveEveryMs: 60_000 });
    const before = await someTips(first);
    expect(before.logs).toBe(1);
    await first.stop();
    const second = await start({ stateFile });
    expect(await facts(second)).toEqual(before);
    const nonce = await node(second).getTransactionCount({ address: '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266' });
    await deployTipJar(await open(second));
    expect(await node(second).getTransactionCount({ address: '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266' })).toBe(nonce);
  });

  it('keeps what was saved when the node itself is killed', async () => {
    const stateFile = join(folder, 'chain.json');
    const first = await start({ stateFile, saveEveryMs: 20 });
    const before = await someTips(first);
    await expect
      .poll(async () => (await readFile(stateFile, 'utf8').catch(() => '')).includes(before.hash.slice(2)), { timeout: 5000 })
      .toBe(true);
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    expect(await facts(await start({ stateFile }))).toEqual(before);
  });

  it('takes over from a chain whose parent was killed, without losing its unsaved blocks', async () => {
    const stateFile = join(folder, 'chain.json');
    const { pid, rpcUrl } = await orphan(stateFile);
    const left = createTestClient({ mode: 'anvil', transport: http(rpcUrl) }).extend(publicActions);
    await left.mine({ blocks: 3 });
    const { hash } = await left.getBlock();
    expect(runs(pid)).toBe(true);
    const next = await start({ stateFile });
    expect(runs(pid)).toBe(false);
    expect((await facts(next)).hash).toBe(hash);
  });

  it('refuses a state file that a living process uses', async () => {
    const stateFile = join(folder, 'chain.json');
    await start({ stateFile });
    await expect(DevChain.start({ stateFile })).rejects.toThrow(/already running/);
  });

  it('leaves a stranger alone that has the process id of the last chain', async () => {
    const stateFile = join(folder, 'chain.json');
    const stranger = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 20000)']);
    await once(stranger, 'spawn');
    await writeFile(`${stateFile}.pid`, JSON.stringify({ pid: stranger.pid, parent: 1, rpcUrl: 'http://127.0.0.1:9' }));
    await start({ stateFile });
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    stranger.kill('SIGKILL');
  });

  it('names the port and the setting when the port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const starting = DevChain.start({ port, portSetting: 'MY_PORT' });
    await expect(starting).rejects.toThrow(`Port ${String(port)} on 127.0.0.1 is taken by another program. Set MY_PORT to a free port`);
    server.close();
  });

  it('says what to do about a program that is not there, does not start or does not listen in time', async () => {
    await expect(DevChain.start({ anvilPath: join(folder, 'none') })).rejects.toThrow(/ANVIL_PATH names no program/);
    await expect(DevChain.start({ anvilPath: '/bin/false' })).rejects.toThrow(/ended at once with code 1/);
    await writeFile(join(folder, 'mute'), '#!/bin/sh\nexec sleep 20\n', { mode: 0o755 });
    await expect(DevChain.start({ anvilPath: join(folder, 'mute'), startTimeoutMs: 200 })).rejects.toThrow(/took longer than 200 ms/);
  });
});

/** A chain left behind by a parent that died without a chance to stop it. */
async function orphan(stateFile: string): Promise<{ pid: number; rpcUrl: string }> {
  const chain = await start({ stateFile, saveEveryMs: 60_000 });
  const noted: unknown = JSON.parse(await readFile(`${stateFile}.pid`, 'utf8'));
  expect(noted).toEqual({ pid: chain.pid, parent: process.pid, rpcUrl: chain.rpcUrl });
  // What a dead parent looks like from here: the noted parent is no longer the real one.
  await writeFile(`${stateFile}.pid`, JSON.stringify({ pid: chain.pid, parent: 999_999_999, rpcUrl: chain.rpcUrl }));
  return chain;
}
