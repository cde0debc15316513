import { devAccounts, tipJarAbi, tipJarBytecode, type DevAccount } from '@droppio/tip-jar';
import {
  eventTokenBytecode,
  mixedPaymentsAbi,
  mixedPaymentsBytecode,
  refusingCreatorBytecode,
  tipBatchAbi,
  tipBatchBytecode,
} from '@droppio/tip-jar/testing';
import type { Hex } from '@droppio/tips';
import { encodeFunctionData, getContractAddress } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { ACCOUNTS } from './anvil-node.js';
import type { TxPlan } from './scenario.js';
import type { PaymentWay } from './traits.js';

const GWEI = 1_000_000_000n;
const GAS_PRICE = 20n * GWEI;

let accounts: readonly DevAccount[] | undefined;
/** Derived once: it takes a while. */
const allAccounts = (): readonly DevAccount[] => (accounts ??= devAccounts(ACCOUNTS));

/** Contracts that the first account creates, in this order: the same addresses on every chain. */
const CONTRACTS = [tipJarBytecode, tipBatchBytecode, eventTokenBytecode, mixedPaymentsBytecode, refusingCreatorBytecode] as const;
const JAR_ONLY = 2;

function addressOf(bytecode: (typeof CONTRACTS)[number]): Hex {
  const [deployer] = allAccounts();
  if (deployer === undefined) throw new Error('no accounts');
  const address = getContractAddress({ from: deployer.address, nonce: BigInt(CONTRACTS.indexOf(bytecode)) });
  return `0x${address.slice(2).toLowerCase()}`;
}

/** A wallet that takes no coins, where chains have more than tips through the jar. */
export const refusingWallet = (): Hex => addressOf(refusingCreatorBytecode);

/** Places in the enum of the contract that pays in many ways at once. */
const PLACES: Readonly<Partial<Record<PaymentWay, number>>> = { jar: 0, 'jar-token': 1, token: 2, inside: 3, minted: 4, nothing: 5 };
const TAKES_COINS: readonly PaymentWay[] = ['jar', 'inside'];

interface Payment {
  readonly way: PaymentWay;
  readonly to: Hex;
  readonly amount: bigint;
}

/** Signs the transactions of one chain, each from a sender of its own. Knows what it has signed. */
export class TipMaker {
  readonly jar = addressOf(tipJarBytecode);
  readonly token = addressOf(eventTokenBytecode);
  private next = 1;
  /** Payments that were signed, by their way. */
  readonly signed = new Map<PaymentWay, number>();

  constructor(
    private readonly chainId: number,
    private readonly wallets: readonly Hex[],
  ) {}

  get isExhausted(): boolean {
    return this.next >= ACCOUNTS;
  }

  deployments(isMixed: boolean): Promise<Hex[]> {
    return Promise.all(CONTRACTS.slice(0, isMixed ? CONTRACTS.length : JAR_ONLY).map((data, nonce) => this.sign(0, { data, nonce })));
  }

  /** A stranger, whom no creator has registered, gets a share too. */
  async make({ amounts, ways, firstCreator, message }: TxPlan): Promise<Hex> {
    const payments = amounts.map((amount, index) => ({
      way: ways[index] ?? 'jar',
      to: this.walletAt(firstCreator + index),
      amount: BigInt(amount) * GWEI,
    }));
    for (const { way } of payments) this.signed.set(way, (this.signed.get(way) ?? 0) + 1);
    this.next += 1;
    const [first] = payments;
    if (first === undefined) throw new RangeError('a transaction without payments');
    const { to, amount: value } = first;
    if (first.way === 'native') return this.sign(this.next - 1, { to, value, data: '0x' });
    if (first.way === 'refused') return this.sign(this.next - 1, { to: refusingWallet(), value, data: '0x' });
    return this.sign(
      this.next - 1,
      payments.every(({ way }) => way === 'jar') ? this.tips(payments, message) : this.mixed(payments, message),
    );
  }

  private tips(payments: readonly Payment[], message: string): { to: Hex; value: bigint; data: Hex } {
    const value = payments.reduce((sum, { amount }) => sum + amount, 0n);
    const [first, ...others] = payments;
    if (first !== undefined && others.length === 0) {
      const ref: Hex = `0x${this.next.toString(16).padStart(64, '0')}`;
      return { to: this.jar, value, data: encodeFunctionData({ abi: tipJarAbi, functionName: 'tip', args: [first.to, message, ref] }) };
    }
    const args = [this.jar, payments.map(({ to }) => to), message] as const;
    return { to: addressOf(tipBatchBytecode), value, data: encodeFunctionData({ abi: tipBatchAbi, functionName: 'tipAll', args }) };
  }

  private mixed(payments: readonly Payment[], message: string): { to: Hex; value: bigint; data: Hex } {
    const value = payments.reduce((sum, { way, amount }) => sum + (TAKES_COINS.includes(way) ? amount : 0n), 0n);
    const list = payments.map(({ way, to, amount }) => ({ way: PLACES[way] ?? 0, to, amount }));
    const args = [this.jar, this.token, list, message] as const;
    return {
      to: addressOf(mixedPaymentsBytecode),
      value,
      data: encodeFunctionData({ abi: mixedPaymentsAbi, functionName: 'payAll', args }),
    };
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
