import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import {
  LogUndecodable,
  type BlockRef,
  type ChainLog,
  type ChainReader,
  type Clock,
  type Hex,
  type StoredSighting,
  type TipLedger,
} from '@droppio/tips';
import { decodeTip, TIP_TOPIC } from '../decode-tip.js';
import type { FollowerMetrics } from './follower-metrics.js';
import { isTransfer } from '../tip-ordinal.js';
import type { BlockWindow } from './block-window.js';
import type { Marks } from './finality.js';

export interface AuditParts {
  readonly reader: ChainReader;
  readonly ledger: TipLedger;
  readonly clock: Clock;
  readonly metrics: FollowerMetrics;
}

const BLOCKS_AT_ONCE = 2000;
const AGAIN_AFTER_MS = 5000;
/** Nodes are seldom right the second time where they disagreed with the ledger the first. */
const MISMATCH_AGAIN_AFTER_MS = 30_000;

/**
 * Lets blocks be called final only when two providers agree on their tips of the jar (transfers past it depend on who was registered when) and the ledger holds just those: whatever one node
 * invented, hid or changed is found before anybody relies on it. Asks in the background; the chain goes on meanwhile, and after a mismatch, too.
 */
export class FinalityAudit {
  private readonly logger = new Logger('chain');
  private audited: BlockRef | undefined;
  private asking = false;
  private notBeforeMs = 0;
  /** As a sentence: what was found; `undefined` while all is well. */
  fault: string | undefined;

  constructor(
    private readonly chain: { readonly chainId: number; readonly tipJar: Hex },
    private readonly parts: AuditParts,
    /** Told after every audit, whatever came of it. */
    private readonly changed: () => void,
  ) {}

  /** The marks that may be applied: `finalized` as far as it was audited. What lies beyond is audited from now on. */
  admit(due: Marks, window: BlockWindow): Marks | undefined {
    const { finalized, ...rest } = due;
    if (finalized === undefined) return due;
    const { audited } = this;
    if (audited === undefined || audited.number < finalized.number) void this.audit(finalized);
    // The tag moves on while an older one is audited: that one counts all the same.
    const isOurs = audited !== undefined && audited.number <= finalized.number && isOn(audited, window);
    if (isOurs) return { ...rest, finalized: audited };
    return rest.safe === undefined ? undefined : rest;
  }

  private async audit(mark: BlockRef): Promise<void> {
    if (this.asking || this.parts.clock.now() < this.notBeforeMs) return;
    this.asking = true;
    try {
      const isRight = await this.isRightUpTo(mark);
      if (isRight) this.audited = mark;
      if (isRight) this.fault = undefined;
      else this.notBeforeMs = this.parts.clock.now() + MISMATCH_AGAIN_AFTER_MS;
    } catch (error) {
      this.notBeforeMs = this.parts.clock.now() + AGAIN_AFTER_MS;
      this.logger.warn('audit.put-off', { chainId: this.chain.chainId, ...errorFields(error) });
    } finally {
      this.asking = false;
      this.changed();
    }
  }

  private async isRightUpTo(mark: BlockRef): Promise<boolean> {
    const { reader, ledger } = this.parts;
    const { chainId, tipJar } = this.chain;
    const filter = { addresses: [tipJar], topics: [TIP_TOPIC] };
    // Another leader may have come further meanwhile, and what is long final is no longer remembered block by block.
    const settled = (await ledger.finalizedHeight(chainId)) ?? mark.number;
    let after = Math.max(settled, this.audited?.number ?? settled);
    while (after < mark.number) {
      const to = Math.min(mark.number, after + BLOCKS_AT_ONCE);
      const logs = await reader.agreedLogs(after + 1, to, filter);
      const stored = await ledger.sightings(chainId, after + 1, to);
      const wrong = differences(logs, stored, tipJar);
      if (wrong.missing + wrong.invented + wrong.changed > 0) {
        this.failed(after + 1, to, wrong);
        return false;
      }
      after = to;
    }
    return true;
  }

  private failed(from: number, to: number, wrong: Differences): void {
    const { chainId } = this.chain;
    const { missing, invented, changed } = wrong;
    this.parts.metrics.auditFailed(chainId);
    this.logger.error('audit.failed', { chainId, from, to, ...wrong });
    this.fault =
      `blocks ${String(from)} to ${String(to)} are not called final, since two providers agree on other tips than were stored ` +
      `(${String(missing)} missing, ${String(invented)} invented, ${String(changed)} changed); a person should look`;
  }
}

interface Differences {
  readonly missing: number;
  readonly invented: number;
  readonly changed: number;
}

/** What the ledger holds against what two providers agree on. Logs that were set aside count as held: they can harm nobody. */
function differences(logs: readonly ChainLog[], stored: readonly StoredSighting[], tipJar: Hex): Differences {
  const keyOf = ({ blockHash, logIndex }: { blockHash: Hex; logIndex: number }): string => `${blockHash} ${String(logIndex)}`;
  const ours = stored.filter(({ tip }) => tip === undefined || !isTransfer(tip.ordinal));
  const open = new Map(ours.map((sighting) => [keyOf(sighting), sighting]));
  let [missing, changed] = [0, 0];
  for (const log of logs) {
    const sighting = open.get(keyOf(log));
    open.delete(keyOf(log));
    if (sighting === undefined) missing += 1;
    else if (sighting.tip !== undefined && !isSame(sighting, log, tipJar)) changed += 1;
  }
  return { missing, invented: [...open.values()].filter(({ tip }) => tip !== undefined).length, changed };
}

function isSame({ tip }: StoredSighting, log: ChainLog, tipJar: Hex): boolean {
  try {
    const told = decodeTip(log, tipJar);
    if (told === undefined || tip === undefined) return false;
    const isSameMoney = told.amount === tip.amount && told.token === tip.token;
    return tip.txHash === log.txHash && isSameMoney && told.creator === tip.creator && told.from === tip.from;
  } catch (error) {
    if (error instanceof LogUndecodable) return false;
    throw error;
  }
}

function isOn(block: BlockRef, window: BlockWindow): boolean {
  const { oldest } = window;
  return oldest !== undefined && (block.number < oldest.number || window.at(block.number)?.hash === block.hash);
}
