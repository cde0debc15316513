import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { ChainUnavailable, toHex, within, type Hex } from '@droppio/tips';
import { createPublicClient, hashMessage, http, recoverAddress } from 'viem';
import { Overloaded } from '../errors.js';

const RPC_TIMEOUT_MS = 2000;
const CALLS_AT_ONCE = 8;
/** Half the order of secp256k1: of the two signatures that fit, only the one below is accepted (EIP-2). */
const MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const V = new Set(['00', '01', '1b', '1c']);

interface Signer {
  readonly address: Hex;
  /** The signature is the one that a wallet makes, not its twin. */
  readonly isCanonical: boolean;
}

/** Who signed the text with a key of their own; `undefined` when nobody can have. Needs no chain. */
export async function signerOf(text: string, signature: Hex): Promise<Signer | undefined> {
  const [, s = '', v = ''] = /^0x[0-9a-f]{64}([0-9a-f]{64})([0-9a-f]{2})$/.exec(signature.toLowerCase()) ?? [];
  if (!V.has(v)) return undefined;
  try {
    const address = toHex(await recoverAddress({ hash: hashMessage(text), signature }), 20);
    return { address, isCanonical: BigInt(`0x${s}`) <= MAX_S };
  } catch {
    return undefined;
  }
}

/** Wallets that are contracts say themselves what they have signed (EIP-1271, EIP-6492): asked on the chain that the message names. */
export class ContractWallets {
  private readonly logger = new Logger('creators');
  private running = 0;

  /** RPC addresses by chain id. */
  constructor(private readonly nodes: ReadonlyMap<number, string>) {}

  /** Throws `ChainUnavailable` when the node does not answer in time, `Overloaded` when too many wait for it. */
  async confirms(chainId: number, address: Hex, message: string, signature: Hex): Promise<boolean> {
    const url = this.nodes.get(chainId);
    if (url === undefined) return false;
    if (this.running >= CALLS_AT_ONCE) throw new Overloaded('Too many contract wallets are being asked.', 2);
    this.running += 1;
    try {
      return await within(2 * RPC_TIMEOUT_MS, 'asking a contract wallet', ask(url, chainId, { address, message, signature }));
    } catch (error) {
      this.logger.warn('contract-wallet.not-asked', { chainId, ...errorFields(error) });
      throw new ChainUnavailable('The chain did not answer.', { cause: error, context: { chainId } });
    } finally {
      this.running -= 1;
    }
  }
}

async function ask(url: string, chainId: number, claim: { address: Hex; message: string; signature: Hex }): Promise<boolean> {
  const client = createPublicClient({ transport: http(url, { timeout: RPC_TIMEOUT_MS, retryCount: 0 }) });
  if ((await client.getChainId()) !== chainId) throw new ChainUnavailable('The node serves another chain than the settings say.');
  return client.verifyMessage(claim);
}
