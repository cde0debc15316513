import { devAccounts, tipJarAbi, tipJarBytecode, type DevAccount } from '@droppio/tip-jar';
import { tipBatchAbi, tipBatchBytecode } from '@droppio/tip-jar/testing';
import type { Hex } from '@droppio/tips';
import { encodeFunctionData, getContractAddress } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { ACCOUNTS } from './anvil-node.js';
import type { TxPlan } from './scenario.js';

const GWEI = 1_000_000_000n;
const GAS_PRICE = 20n * GWEI;

let accounts: readonly DevAccount[] | undefined;
/** Derived once: it takes a while. */
const allAccounts = (): readonly DevAccount[] => (accounts ??= devAccounts(ACCOUNTS));

/** Signs the transactions of one chain, each from a sender of its own. Knows what it has signed. */
export class TipMaker {
  readonly jar: Hex;
  private readonly batch: Hex;
  private next = 1;
  /** Tips that were signed. */
  tips = 0;

  constructor(
    private readonly chainId: number,
    private readonly wallets: readonly Hex[],
  ) {
    const [deployer] = allAccounts();
    if (deployer === undefined) throw new Error('no accounts');
    this.jar = getContractAddress({ from: deployer.address, nonce: 0n });
    this.batch = getContractAddress({ from: deployer.address, nonce: 1n });
  }

  get isExhausted(): boolean {
    return this.next >= ACCOUNTS;
  }

  deployments(): Promise<Hex[]> {
    return Promise.all([this.sign(0, { data: tipJarBytecode, nonce: 0 }), this.sign(0, { data: tipBatchBytecode, nonce: 1 })]);
  }

  /** A stranger, whom no creator has registered, gets a share too. */
  async make(plan: TxPlan): Promise<Hex> {
    const creators = plan.amounts.map((_, index) => this.walletAt(plan.firstCreator + index));
    const amounts = plan.amounts.map((amount) => BigInt(amount) * GWEI);
    const value = amounts.reduce((sum, amount) => sum + amount, 0n);
    const [creator] = creators;
    if (creator === undefined) throw new RangeError('a transaction without tips');
    this.tips += creators.length;
    this.next += 1;
    const ref: Hex = `0x${this.next.toString(16).padStart(64, '0')}`;
    return creators.length === 1
      ? this.sign(this.next - 1, {
          to: this.jar,
          value,
          data: encodeFunctionData({ abi: tipJarAbi, functionName: 'tip', args: [creator, plan.message, ref] }),
        })
      : this.sign(this.next - 1, {
          to: this.batch,
          value,
          data: encodeFunctionData({ abi: tipBatchAbi, functionName: 'tipAll', args: [this.jar, creators, plan.message] }),
        });
  }

  private walletAt(index: number): Hex {
    const at = index % (this.wallets.length + 1);
    return this.wallets[at] ?? '0x00000000000000000000000000000000c0ffee00';
  }

  private sign(sender: number, tx: { to?: Hex; value?: bigint; data: Hex; nonce?: number }): Promise<Hex> {
    const account = allAccounts()[sender];
    if (account === undefined) throw new RangeError('no sender is left');
    return privateKeyToAccount(account.privateKey).signTransaction({
      type: 'legacy',
      chainId: this.chainId,
      nonce: 0,
      gasPrice: GAS_PRICE,
      gas: 3_000_000n,
      ...tx,
    });
  }
}
