import { randomBytes } from 'node:crypto';
import { deployTipJar, DevChain, openWallet, tipJarAbi } from '@droppio/tip-jar';
import type { HouseChain } from '@droppio/e2e/houses';
import { toHex, type BlockHeader, type Hex } from '@droppio/tips';
import { encodeFunctionData, numberToHex } from 'viem';
import * as z from 'zod';

const Answer = z.object({ result: z.unknown().optional(), error: z.object({ message: z.string() }).optional() });
const quantity = z.string().transform(Number);
const hex = z.string().transform((text) => toHex(text));
const Header = z
  .object({ number: quantity, hash: hex, parentHash: hex, timestamp: quantity, logsBloom: hex })
  .transform(({ timestamp, ...rest }): BlockHeader => ({ ...rest, timestampMs: timestamp * 1000 }));

/** Transactions in one request; anvil takes bodies of a few megabytes. */
const BATCH = 200;
const FEE = numberToHex(10n ** 12n);
const ANSWER_MS = 60_000;

/** A local anvil that mines on command, so that a block holds exactly the tips that were put into it. */
export class BenchChain {
  private nonce = 0;
  private sent = 0;

  private constructor(
    private readonly node: DevChain,
    readonly house: HouseChain,
    private readonly sender: Hex,
    /** Who is tipped, in turn. */
    readonly wallets: readonly Hex[],
  ) {}

  static async start(anvilPath: string, creators: number): Promise<BenchChain> {
    const node = await DevChain.start({ anvilPath });
    const [deployer, sender, ...tippers] = node.accounts;
    if (deployer === undefined || sender === undefined) throw new Error('the dev chain has no accounts');
    const wallet = await openWallet({ rpcUrl: node.rpcUrl, privateKey: deployer.privateKey });
    const jar = await deployTipJar(wallet);
    const house = { chainId: wallet.chain.id, rpcUrl: node.rpcUrl, wsUrl: node.wsUrl, jar, tippers };
    const wallets = Array.from({ length: creators }, (): Hex => `0x${randomBytes(20).toString('hex')}`);
    const chain = new BenchChain(node, house, sender.address, wallets);
    await chain.ask('evm_setAutomine', [false]);
    return chain;
  }

  get pid(): number {
    return this.node.pid;
  }

  /** Puts tips into the pool, each a transaction of its own, to one creator after the other. */
  async queue(tips: number): Promise<void> {
    for (let left = tips; left > 0; left -= BATCH) {
      const requests = Array.from({ length: Math.min(left, BATCH) }, () => ({ method: 'eth_sendTransaction', params: [this.tip()] }));
      await this.askAll(requests);
    }
  }

  async mine(): Promise<void> {
    await this.ask('evm_mine', []);
  }

  /** Empty blocks, so that what is below them counts as final. */
  async mineEmpty(blocks: number): Promise<void> {
    await this.ask('anvil_mine', [numberToHex(blocks)]);
  }

  /** Blocks with this many tips each. */
  async mineHistory(blocks: number, tipsPerBlock: number): Promise<void> {
    for (let i = 0; i < blocks; i += 1) {
      await this.queue(tipsPerBlock);
      await this.mine();
    }
  }

  async head(): Promise<BlockHeader> {
    return Header.parse(await this.ask('eth_getBlockByNumber', ['latest', false]));
  }

  async height(): Promise<number> {
    return (await this.head()).number;
  }

  /** Runs the work, then puts the chain back to where it was: every contender finds the same chain. */
  async rewound<T>(work: () => Promise<T>): Promise<T> {
    const [snapshot, { nonce, sent }] = [await this.ask('evm_snapshot', []), this];
    try {
      return await work();
    } finally {
      await this.ask('evm_revert', [snapshot]);
      this.nonce = nonce;
      this.sent = sent;
    }
  }

  stop(): Promise<void> {
    return this.node.stop();
  }

  /** anvil holds the keys of its accounts and signs by itself. */
  private tip(): Readonly<Record<string, string>> {
    const creator = this.wallets[this.sent % this.wallets.length] ?? '0x';
    const args = [creator, `tip number ${String(this.sent)} of the bench`, numberToHex(this.sent + 1, { size: 32 })] as const;
    const tip = {
      from: this.sender,
      to: this.house.jar,
      value: '0x3b9aca00',
      gas: '0x30d40',
      maxFeePerGas: FEE,
      maxPriorityFeePerGas: '0x1',
      nonce: numberToHex(this.nonce),
      data: encodeFunctionData({ abi: tipJarAbi, functionName: 'tip', args }),
    };
    this.sent += 1;
    this.nonce += 1;
    return tip;
  }

  async ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const [answer] = await this.askAll([{ method, params }]);
    return answer;
  }

  private async askAll(requests: readonly { readonly method: string; readonly params: readonly unknown[] }[]): Promise<unknown[]> {
    const response = await fetch(this.house.rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(requests.map((request, id) => ({ jsonrpc: '2.0', id, ...request }))),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return z
      .array(Answer)
      .parse(await response.json())
      .map(({ result, error }) => {
        if (error !== undefined) throw new Error(`anvil refused ${requests[0]?.method ?? ''}: ${error.message}`);
        return result;
      });
  }
}
