import {
  cleanMessage,
  LogUndecodable,
  NATIVE_TOKEN,
  shortAddress,
  tipId,
  type AcceptedToken,
  type ChainLog,
  type ChainPayment,
  type Hex,
  type LogFilter,
  type QuarantinedLog,
  type SightedTip,
  type TipDisplay,
  type TipKey,
} from '@droppio/tips';
import { acceptedTokens, pricedTokens, type ChainSettings, type PricedToken } from './chain-settings.js';
import { decodeTip, TIP_TOPIC, type RawTip } from './decode-tip.js';
import { decodeTransfer, payeeOf, TRANSFER_TOPIC } from './decode-transfer.js';
import { pegged, usdAmount } from './prices/usd-amount.js';
import { NATIVE_ORDINAL } from './tip-ordinal.js';
import { TransferPile } from './transfer-pile.js';

export interface Sightings {
  readonly tips: readonly SightedTip[];
  readonly quarantined: readonly QuarantinedLog[];
  /** Transfers to a wallet of ours that are not laid out as ERC-20: of no interest, but a sign that a listed token is something else. */
  readonly unreadable: number;
}

/** Wallets whose payments count. A `Map` or `Set` of them will do. */
export interface WatchedWallets {
  has(address: Hex): boolean;
  /** False: certainly not one of them, by the topic of a log that ends with the address. Cheaper than `has`, for the many that are not. */
  maybe?(topic: Hex): boolean;
}

const NOBODY: WatchedWallets = new Set<Hex>();
const NOTHING: Sightings = { tips: [], quarantined: [], unreadable: 0 };
const NO_REF: Hex = `0x${'00'.repeat(32)}`;
/** Where a tip that no log tells of stands in its block: after all logs, whose indices are counted from 0 and never come near. */
const BEHIND_ALL_LOGS = 1_500_000_000;

/**
 * Turns the logs of one block into tips: decodes, cleans, ranks within each transaction and decides what may be shown. A tip is what the jar
 * says, or a transfer of a listed token to a watched wallet that the jar says nothing of. Never throws on bad input.
 */
export class TipSpotter {
  readonly filter: LogFilter;
  private readonly accepted: ReadonlyMap<string, AcceptedToken>;
  private readonly priced: ReadonlyMap<Hex, PricedToken>;
  private readonly watchedTokens: ReadonlySet<Hex>;

  constructor(
    private readonly chain: Pick<ChainSettings, 'chainId' | 'tipJar' | 'native' | 'tokens' | 'transfers'>,
    private readonly watched: WatchedWallets = NOBODY,
  ) {
    const tokens = chain.transfers.tokens ? chain.tokens.map(({ address }) => address) : [];
    this.filter = filterOf(chain.tipJar, tokens);
    this.accepted = acceptedTokens(chain);
    this.priced = pricedTokens(chain);
    this.watchedTokens = new Set(tokens);
  }

  /** `logs` in log order, of whole transactions. */
  sight(logs: readonly ChainLog[]): Sightings {
    const ours = new Set<Hex>();
    for (const log of logs) if (this.isOfJar(log) || this.paysUs(log)) ours.add(log.txHash);
    // Most blocks of a busy token end here: nothing was kept of any of their logs.
    if (ours.size === 0) return NOTHING;
    const transactions = new Map<Hex, ChainLog[]>();
    for (const log of logs) {
      if (!ours.has(log.txHash) || !(this.isOfJar(log) || this.isOfToken(log))) continue;
      const known = transactions.get(log.txHash);
      if (known === undefined) transactions.set(log.txHash, [log]);
      else known.push(log);
    }
    const found = [...transactions.values()].map((own) => this.sightIn(own));
    return {
      tips: found.flatMap(({ tips }) => tips).sort((a, b) => a.logIndex - b.logIndex),
      quarantined: found.flatMap(({ quarantined }) => quarantined),
      unreadable: found.reduce((sum, { unreadable }) => sum + unreadable, 0),
    };
  }

  /** Coins of the chain sent straight to wallets. What goes through the jar is told by its event. */
  sightPayments(payments: readonly ChainPayment[]): readonly SightedTip[] {
    const { tipJar } = this.chain;
    return payments
      .filter(({ from, to, amount }) => amount > 0n && from !== to && from !== tipJar && to !== tipJar && this.watched.has(to))
      .map(({ txHash, txIndex, from, to, amount }) => {
        const at = { txHash, ordinal: NATIVE_ORDINAL, logIndex: BEHIND_ALL_LOGS + txIndex };
        return this.tipOf(at, { creator: to, from, token: NATIVE_TOKEN, amount, message: '', ref: NO_REF });
      });
  }

  private isOfJar(log: ChainLog): boolean {
    return log.address === this.chain.tipJar && log.topics[0] === TIP_TOPIC;
  }

  private isOfToken(log: ChainLog): boolean {
    return log.topics[0] === TRANSFER_TOPIC && this.watchedTokens.has(log.address);
  }

  private paysUs(log: ChainLog): boolean {
    // The wallets first: nearly every transfer ends there.
    const to = log.topics[2];
    if (to === undefined || this.watched.maybe?.(to) === false || log.topics[0] !== TRANSFER_TOPIC) return false;
    const payee = payeeOf(log);
    return payee !== undefined && this.watched.has(payee) && this.watchedTokens.has(log.address);
  }

  /** The logs of one transaction. Each takes a rank among those of its contract, readable or not: learning to read one later must not renumber its neighbours. */
  private sightIn(logs: readonly ChainLog[]): Sightings {
    const tips: SightedTip[] = [];
    const quarantined: QuarantinedLog[] = [];
    const transfers = new TransferPile(this.chain.tipJar, this.watched);
    const ranks = new Map<Hex, number>();
    let unreadable = 0;
    for (const log of logs) {
      const rank = ranks.get(log.address) ?? 0;
      ranks.set(log.address, rank + 1);
      if (!this.isOfJar(log)) {
        const transfer = decodeTransfer(log);
        if (transfer !== undefined) transfers.add({ ...transfer, log, rank });
        else if (this.paysUs(log)) unreadable += 1;
        continue;
      }
      const found = this.read(log, rank);
      if ('code' in found) quarantined.push(found);
      else tips.push(found);
      if (!('code' in found)) transfers.absorb(found);
    }
    for (const { log, ordinal, to, from, token, amount } of transfers.payments()) {
      if (ordinal === undefined) quarantined.push({ log, code: 'too-many-transfers' });
      else tips.push(this.tipOf({ ...log, ordinal }, { creator: to, from, token, amount, message: '', ref: NO_REF }));
    }
    return { tips, quarantined, unreadable };
  }

  private read(log: ChainLog, ordinal: number): SightedTip | QuarantinedLog {
    try {
      const raw = decodeTip(log, this.chain.tipJar);
      if (raw === undefined) return { log, code: 'not-a-tip' };
      // The contract refuses it, so this is another contract at the configured address.
      if (raw.amount === 0n) return { log, code: 'zero-amount' };
      return this.tipOf({ ...log, ordinal }, { ...raw, message: cleanMessage(raw.message) });
    } catch (error) {
      if (error instanceof LogUndecodable) return { log, code: String(error.context['reason'] ?? error.code) };
      throw error;
    }
  }

  private tipOf({ txHash, ordinal, logIndex }: Pick<SightedTip, 'txHash' | 'ordinal' | 'logIndex'>, raw: RawTip): SightedTip {
    const tip: SightedTip = { txHash, ordinal, logIndex, ...raw };
    const token = this.accepted.get(raw.token);
    // A token that nobody allowed may bear any name and be worth nothing: stored, never shown.
    if (token === undefined) return tip;
    const usd = this.knownWorth(raw);
    const display = displayOf(raw, token, { chainId: this.chain.chainId, txHash, ordinal });
    return { ...tip, display: { ...display, ...(usd !== undefined && { usd }) } };
  }

  /** By the settings alone. A feed is read after the tip was told: nothing on the way of an alert waits for a price. */
  private knownWorth({ token, amount }: RawTip): string | undefined {
    const priced = this.priced.get(token);
    return priced !== undefined && 'peg' in priced.usd ? usdAmount(amount, priced.decimals, pegged(priced.usd.peg)) : undefined;
  }
}

function filterOf(tipJar: Hex, tokens: readonly Hex[]): LogFilter {
  if (tokens.length === 0) return { addresses: [tipJar], topics: [TIP_TOPIC] };
  return {
    addresses: [tipJar, ...tokens],
    topics: [TIP_TOPIC, TRANSFER_TOPIC],
    pairs: [[tipJar, TIP_TOPIC], ...tokens.map((token) => [token, TRANSFER_TOPIC] as const)],
  };
}

function displayOf(raw: RawTip, token: AcceptedToken, key: TipKey): TipDisplay {
  return {
    tipId: tipId(key),
    name: shortAddress(raw.from),
    from: raw.from,
    amount: { raw: raw.amount.toString(), decimals: token.decimals, symbol: token.symbol, chainId: key.chainId, token: token.address },
    message: raw.message,
    ref: raw.ref,
    txHash: key.txHash,
  };
}
