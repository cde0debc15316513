import {
  cleanMessage,
  LogUndecodable,
  shortAddress,
  tipId,
  type AcceptedToken,
  type ChainLog,
  type Hex,
  type LogFilter,
  type QuarantinedLog,
  type SightedTip,
  type TipDisplay,
  type TipKey,
} from '@droppio/tips';
import { acceptedTokens, type ChainSettings } from './chain-settings.js';
import { decodeTip, TIP_TOPIC, type RawTip } from './decode-tip.js';

export interface Sightings {
  readonly tips: readonly SightedTip[];
  readonly quarantined: readonly QuarantinedLog[];
}

/** Turns the logs of one block into tips: decodes, cleans, ranks within each transaction and decides what may be shown. Never throws on bad input. */
export class TipSpotter {
  readonly filter: LogFilter;
  private readonly tokens: ReadonlyMap<string, AcceptedToken>;

  constructor(private readonly chain: Pick<ChainSettings, 'chainId' | 'tipJar' | 'native' | 'tokens'>) {
    this.filter = { addresses: [chain.tipJar], topics: [TIP_TOPIC] };
    this.tokens = acceptedTokens(chain);
  }

  /** `logs` in log order. */
  sight(logs: readonly ChainLog[]): Sightings {
    const tips: SightedTip[] = [];
    const quarantined: QuarantinedLog[] = [];
    const ranks = new Map<Hex, number>();
    for (const log of logs) {
      if (log.address !== this.chain.tipJar || log.topics[0] !== TIP_TOPIC) continue;
      // Undecodable logs take a rank too: learning to read one later must not renumber its neighbours.
      const ordinal = ranks.get(log.txHash) ?? 0;
      ranks.set(log.txHash, ordinal + 1);
      const found = this.read(log, ordinal);
      if ('code' in found) quarantined.push(found);
      else tips.push(found);
    }
    return { tips, quarantined };
  }

  private read(log: ChainLog, ordinal: number): SightedTip | QuarantinedLog {
    try {
      const raw = decodeTip(log, this.chain.tipJar);
      if (raw === undefined) return { log, code: 'not-a-tip' };
      // The contract refuses it, so this is another contract at the configured address.
      if (raw.amount === 0n) return { log, code: 'zero-amount' };
      return this.tipOf(log, ordinal, { ...raw, message: cleanMessage(raw.message) });
    } catch (error) {
      if (error instanceof LogUndecodable) return { log, code: String(error.context['reason'] ?? error.code) };
      throw error;
    }
  }

  private tipOf(log: ChainLog, ordinal: number, raw: RawTip): SightedTip {
    const tip: SightedTip = { txHash: log.txHash, ordinal, logIndex: log.logIndex, ...raw };
    const token = this.tokens.get(raw.token);
    // A token that nobody allowed may bear any name and be worth nothing: stored, never shown.
    return token === undefined
      ? tip
      : { ...tip, display: displayOf(raw, token, { chainId: this.chain.chainId, txHash: log.txHash, ordinal }) };
  }
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
