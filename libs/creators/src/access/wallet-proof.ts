import { Injectable } from '@nestjs/common';
import { Clock, SignInStore, type Hex } from '@droppio/tips';
import { CreatorsOptions } from '../creators-options.js';
import { hashNonce, SignInNonces } from './sign-in-nonces.js';
import { notAccepted, readSignIn, type SignInClaim } from './sign-in-message.js';
import { ContractWallets, signerOf } from './wallet-signatures.js';

/** A wallet that has signed. */
export interface ProvenWallet {
  readonly address: Hex;
  /** The chain whose contract has said so; other chains may say otherwise. Absent: its own key has signed, which is one for all of them. */
  readonly provenOn?: number;
}

/** Proof that somebody holds a wallet: an EIP-4361 message over a nonce of ours, signed by it, accepted once. */
@Injectable()
export class WalletProof {
  constructor(
    private readonly options: CreatorsOptions,
    private readonly nonces: SignInNonces,
    private readonly contracts: ContractWallets,
    private readonly store: SignInStore,
    private readonly clock: Clock,
  ) {}

  /** For signing in, or for what the statement says. */
  newNonce(statement?: string): { nonce: string; expiresAt: Date } {
    return this.nonces.issue(this.clock.now(), statement);
  }

  /**
   * The wallet, for signing in or for what the statement says: nonce and message are good for one of them. Throws `Unauthorized` with a
   * sentence, whatever is wrong; the same message never works twice.
   */
  async walletOf(message: string, signature: Hex, statement?: string): Promise<ProvenWallet> {
    const now = this.clock.now();
    const claim = readSignIn(message, this.options.signIn, now, statement);
    const expiresAt = this.nonces.expiryOf(claim.nonce, now, statement);
    if (expiresAt === undefined) throw notAccepted('The nonce is not ours or has expired.');
    // Keys first: that costs no chain, so it works while the nodes are away.
    const signer = await signerOf(message, signature);
    const isOwnKey = signer?.address === claim.address;
    // Who asks a chain about keys is told yes for the twin of a signature, too.
    if (isOwnKey && !signer.isCanonical) throw wrongSignature();
    if (!isOwnKey && !this.options.signIn.nodes.has(claim.chainId)) throw wrongSignature();
    // Spent before a chain is asked: each question to a node costs a fresh nonce.
    if (!(await this.store.spendNonce(hashNonce(claim.nonce), expiresAt))) throw notAccepted('The nonce was used before.');
    if (isOwnKey) return { address: claim.address };
    await this.askContract(claim, message, signature);
    return { address: claim.address, provenOn: claim.chainId };
  }

  private async askContract({ chainId, address }: SignInClaim, message: string, signature: Hex): Promise<void> {
    if (!(await this.contracts.confirms(chainId, address, message, signature))) throw wrongSignature();
  }
}

const wrongSignature = () => notAccepted('The signature is not of this wallet over this message.');
