import { randomBytes } from 'node:crypto';
import { toHex, type Hex } from '@droppio/tips';
import { erc20Abi, toEventSelector } from 'viem';
import { tipJarAbi } from './generated/tip-jar.js';
import type { TipWallet } from './tip-wallet.js';

/** Topic 0 of the jar's event. */
export const TIP_TOPIC: Hex = toHex(toEventSelector('Tip(address,address,address,uint256,string,bytes32)'), 32);

export interface NewTip {
  readonly jar: Hex;
  readonly creator: Hex;
  /** Smallest units. */
  readonly amount: bigint;
  /** At most 280 bytes of UTF-8; the contract refuses more. */
  readonly message: string;
  /** 32 bytes by which the sender finds this tip again; random when absent. */
  readonly ref?: Hex;
}

/** Sends a tip in the chain's own coin. Resolves with the transaction's hash once the node has taken it, before it is mined. */
export async function sendTip(wallet: TipWallet, { jar, creator, amount, message, ref = newRef() }: NewTip): Promise<Hex> {
  return wallet.writeContract({ address: jar, abi: tipJarAbi, functionName: 'tip', args: [creator, message, ref], value: amount });
}

/** Sends a tip in an ERC-20 token; approves exactly the missing amount first and waits for that to be mined. */
export async function sendTokenTip(wallet: TipWallet, tip: NewTip & { readonly token: Hex }): Promise<Hex> {
  const { jar, creator, amount, message, token, ref = newRef() } = tip;
  const owner = wallet.account.address;
  const allowed = await wallet.readContract({ address: token, abi: erc20Abi, functionName: 'allowance', args: [owner, jar] });
  if (allowed < amount) {
    // Tokens that return nothing make viem's simulation fail, sending does not decode an answer.
    const hash = await wallet.writeContract({ address: token, abi: erc20Abi, functionName: 'approve', args: [jar, amount] });
    await wallet.waitForTransactionReceipt({ hash, timeout: 60_000 });
  }
  return wallet.writeContract({ address: jar, abi: tipJarAbi, functionName: 'tipToken', args: [token, amount, creator, message, ref] });
}

function newRef(): Hex {
  return `0x${randomBytes(32).toString('hex')}`;
}
