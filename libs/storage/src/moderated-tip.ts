import type { ModeratedTip } from '@droppio/tips';
import { bytesToHex } from './columns.js';
import type { ScreenedRow } from './screener.js';

/** A tip that no rules ever stopped was shown when it was told, and waits until then. */
export function moderatedTip(row: ScreenedRow): ModeratedTip {
  return {
    chainId: row.chain_id,
    txHash: bytesToHex(row.tx_hash),
    ordinal: row.ordinal,
    state: row.state,
    screening: row.screening ?? (row.told ? 'shown' : 'waiting'),
    ...(row.screening_reason === null ? {} : { reason: row.screening_reason }),
    display: row.display,
    shown: row.shown ?? row.display,
    blockTimestampMs: row.block_time_ms,
  };
}
