import { devAccounts, tipJarAbi, tipJarBytecode } from '@droppio/tip-jar';
import { eventTokenBytecode, mixedPaymentsAbi, mixedPaymentsBytecode, tipBatchAbi, tipBatchBytecode } from '@droppio/tip-jar/testing';
import type { Hex } from '@droppio/tips';
import { encodeFunctionData, getContractAddress, keccak256 } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { RawTx } from './chain-driver.js';

const GAS_PRICE = 20_000_000_000n;
const CONTRACTS = [tipJarBytecode, tipBatchBytecode, eventTokenBytecode, tipJarBytecode, mixedPaymentsBytecode] as const;
type Contract = 'jar' | 'batch' | 'token' | 'otherJar' | 'mixed';
const PLACES: Readonly<Record<Contract, number>> = { jar: 0, batch: 1, token: 2, otherJar: 3, mixed: 4 };
/** In the enum of the contract that pays in many ways: a token, through the jar. */
const JAR_TOKEN = 1;

interface Tx {
  readonly to?: Hex;
  readonly value?: bigint;
  readonly data: Hex;
}

/** Signs tips, each by somebody who was never seen before: forks may leave out any of them. */
export class TipMint {
  /** Found once: it comes out of a mnemonic, which takes longer than all else about a tip. */
  private readonly deployer = firstAccount();

  constructor(private readonly chainId: number) {}

  /** The first account creates them, so they have the same address on every chain. */
  address(contract: Contract): Hex {
    return `0x${getContractAddress({ from: this.deployer.address, nonce: BigInt(PLACES[contract]) })
      .slice(2)
      .toLowerCase()}`;
  }

  deployments(): Promise<RawTx[]> {
    return Promise.all(CONTRACTS.map((data, nonce) => this.sign({ data }, this.deployer.privateKey, nonce)));
  }

  tip(wallet: Hex, amount: bigint, message: string, jar: 'jar' | 'otherJar' = 'jar'): Promise<RawTx> {
    const data = encodeFunctionData({ abi: tipJarAbi, functionName: 'tip', args: [wallet, message, `0x${'00'.repeat(32)}`] });
    return this.sign({ to: this.address(jar), value: amount, data });
  }

  /** Several tips in one transaction: `amount` is split among them. */
  batch(wallets: readonly Hex[], amountEach: bigint, message: string): Promise<RawTx> {
    const data = encodeFunctionData({ abi: tipBatchAbi, functionName: 'tipAll', args: [this.address('jar'), [...wallets], message] });
    return this.sign({ to: this.address('batch'), value: amountEach * BigInt(wallets.length), data });
  }

  /** Through the jar, in a token that anybody can make and nobody has listed. */
  madeUpMoney(wallet: Hex, amount: bigint, message: string): Promise<RawTx> {
    const args = [this.address('jar'), this.address('token'), [{ way: JAR_TOKEN, to: wallet, amount }], message] as const;
    return this.sign({ to: this.address('mixed'), data: encodeFunctionData({ abi: mixedPaymentsAbi, functionName: 'payAll', args }) });
  }

  async sign(tx: Tx, key: Hex = generatePrivateKey(), nonce = 0): Promise<RawTx> {
    const account = privateKeyToAccount(key);
    const raw = await account.signTransaction({
      type: 'legacy',
      chainId: this.chainId,
      nonce,
      gasPrice: GAS_PRICE,
      gas: tx.to === undefined || tx.to === this.address('batch') || tx.to === this.address('mixed') ? 6_000_000n : 300_000n,
      ...tx,
    });
    return { raw, hash: keccak256(raw), sender: account.address.toLowerCase() };
  }
}

function firstAccount(): { readonly address: Hex; readonly privateKey: Hex } {
  const [account] = devAccounts(1);
  if (account === undefined) throw new Error('no accounts');
  return account;
}
