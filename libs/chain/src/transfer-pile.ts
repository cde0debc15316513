import { NATIVE_TOKEN, type ChainLog, type Hex, type SightedTip } from '@droppio/tips';
import type { RawTransfer } from './decode-transfer.js';
import { transferOrdinal } from './tip-ordinal.js';

export interface RankedTransfer extends RawTransfer {
  readonly log: ChainLog;
  /** Among this token's transfers in the transaction, from 0. */
  readonly rank: number;
}

/** The transfers of one transaction, until it is clear which of them are tips by themselves. */
export class TransferPile {
  private open: RankedTransfer[] = [];

  constructor(
    private readonly tipJar: Hex,
    private readonly watched: { has(address: Hex): boolean },
  ) {}

  add(transfer: RankedTransfer): void {
    if (transfer.amount > 0n) this.open.push(transfer);
  }

  /**
   * The jar moves a token before it tells of it, so one transfer is that tip itself: the nearest one before. Its amount may be higher than
   * what arrived (tokens that take a fee); a second transfer of such a token, to whoever takes the fee, does not match.
   */
  absorb({ token, from, creator }: Pick<SightedTip, 'token' | 'from' | 'creator'>): void {
    const at = this.open.findLastIndex((transfer) => transfer.token === token && transfer.from === from && transfer.to === creator);
    if (at >= 0) this.open.splice(at, 1);
  }

  /**
   * What is left and pays a watched wallet. Moving money from a wallet to itself is no tip; nor is what the zero address sends: that is a
   * token being made (a bridge arriving, a stake paid out), with nobody to thank.
   */
  payments(): readonly (RankedTransfer & { readonly ordinal: number | undefined })[] {
    return this.open
      .filter(({ from, to }) => from !== to && from !== NATIVE_TOKEN && to !== this.tipJar && this.watched.has(to))
      .map((transfer) => ({ ...transfer, ordinal: transferOrdinal(transfer.token, transfer.rank) }));
  }
}
