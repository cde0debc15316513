import type { Hex } from '../hex.js';
import { WalletRegister, type RegisteredWallet } from '../ports/wallet-register.js';

/** Wallets of creators in memory, with the moment at which each was registered. */
export class MemoryWalletRegister extends WalletRegister {
  private readonly rows: RegisteredWallet[] = [];

  constructor(private readonly now: () => number = Date.now) {
    super();
  }

  register(address: Hex, registeredAtMs: number = this.now()): void {
    this.rows.push({ address, registeredAtMs });
  }

  remove(address: Hex): void {
    const at = this.rows.findIndex((row) => row.address === address);
    if (at >= 0) this.rows.splice(at, 1);
  }

  override wallets({ after, limit }: { readonly after?: Hex; readonly limit: number }): Promise<readonly RegisteredWallet[]> {
    const inOrder = [...this.rows].sort((a, b) => (a.address < b.address ? -1 : 1));
    return Promise.resolve(inOrder.filter(({ address }) => after === undefined || address > after).slice(0, limit));
  }

  override walletsSince(ageMs: number, limit: number): Promise<readonly RegisteredWallet[]> {
    const inOrder = [...this.rows].sort((a, b) => a.registeredAtMs - b.registeredAtMs);
    return Promise.resolve(inOrder.filter(({ registeredAtMs }) => registeredAtMs >= this.now() - ageMs).slice(0, limit));
  }
}
