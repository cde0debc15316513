import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as z from 'zod';
import { RpcLine } from './rpc-line.js';

export interface AnvilPlan {
  readonly anvilPath: string;
  readonly chainId: number;
  readonly epochSlots: number;
}

export const GENESIS_SECONDS = 1_700_000_000;
/** Every transaction has a sender of its own, so that any of them may be left out or moved. */
export const ACCOUNTS = 160;
const BASE_FEE = '0x3b9aca00';
const START_MS = 20_000;

const Header = z.looseObject({ number: z.string(), hash: z.string(), parentHash: z.string(), timestamp: z.string() });
export type Header = z.output<typeof Header>;

/** An anvil that mines when told, in the order and with the time stamp it is told: two of them told the same have the same hashes. */
export class AnvilNode {
  readonly line: RpcLine;

  private constructor(
    private readonly child: ChildProcess,
    port: string,
  ) {
    this.line = new RpcLine(`http://127.0.0.1:${port}`);
  }

  static async start({ anvilPath, chainId, epochSlots }: AnvilPlan): Promise<AnvilNode> {
    const numbers = {
      '--port': 0,
      '--chain-id': chainId,
      '--timestamp': GENESIS_SECONDS,
      '--slots-in-an-epoch': epochSlots,
      '--accounts': ACCOUNTS,
    };
    const args = ['--no-mining', '--order', 'fifo', ...Object.entries(numbers).flatMap(([flag, value]) => [flag, String(value)])];
    const child = spawn(anvilPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    const node = new AnvilNode(child, await listening(child));
    await node.line.ask('anvil_setLoggingEnabled', [false]);
    return node;
  }

  async mine(txs: readonly string[], timestamp: number): Promise<Header> {
    for (const raw of txs) await this.line.ask('eth_sendRawTransaction', [raw]);
    // A rollback leaves the fee of the block that is gone behind.
    await this.line.ask('anvil_setNextBlockBaseFeePerGas', [BASE_FEE]);
    await this.line.ask('evm_mine', [{ timestamp: `0x${timestamp.toString(16)}` }]);
    return this.header('latest');
  }

  async rollback(depth: number): Promise<void> {
    if (depth > 0) await this.line.ask('anvil_rollback', [depth]);
  }

  async header(tag: string): Promise<Header> {
    return Header.parse(await this.line.ask('eth_getBlockByNumber', [tag, false]));
  }

  async stop(): Promise<void> {
    this.line.close();
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`anvil did not start: ${output}`));
    }, START_MS);
    child.once('error', reject);
    child.once('exit', () => {
      reject(new Error(`anvil ended while it started: ${output}`));
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-8000);
      const port = /Listening on \S+:(\d+)/.exec(output)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(port);
    });
  });
}
