import { formatUnits, tipId, type StoredTip } from '@droppio/tips';
import { stringify, type Stringifier } from 'csv-stringify';

/** What a spreadsheet takes for the beginning of a formula, also in full width. */
const FORMULA = '=+\\-@\\uff1d\\uff0b\\uff0d\\uff20';
/** What it skips before it looks; a quote may be taken for the end of the cell before. */
const SKIPPED = '[\\s\\p{Cf}"\'`]*';
const FORMULA_AT_START = new RegExp(`^(?:${SKIPPED}[${FORMULA}]|[\\t\\r\\n])`, 'u');
/**
 * After what some spreadsheet takes for the border between two cells: a semicolon where the comma is the decimal point, a tab, the end of a
 * line.
 */
const FORMULA_AT_BORDER = new RegExp(`[;\\t\\r\\n](?=${SKIPPED}[${FORMULA}])`, 'gu');

/** A stranger's text as a cell that every spreadsheet takes for text: an apostrophe stands before all that might be run. */
export function safeCell(text: string): string {
  const safe = text.replace(FORMULA_AT_BORDER, "$&'");
  return FORMULA_AT_START.test(text) ? `'${safe}` : safe;
}

const COLUMNS = {
  id: (tip) => tipId(tip),
  time: (tip) => new Date(tip.blockTimestampMs).toISOString(),
  state: (tip) => tip.state,
  chain_id: (tip) => String(tip.chainId),
  token: (tip) => tip.token,
  symbol: (tip) => tip.symbol ?? '',
  amount: (tip) => (tip.decimals === undefined ? '' : formatUnits(tip.amount, tip.decimals)),
  amount_raw: (tip) => tip.amount.toString(),
  usd: (tip) => tip.worth?.usd ?? '',
  from: (tip) => tip.from,
  wallet: (tip) => tip.creator,
  message: (tip) => tip.message,
  tx_hash: (tip) => tip.txHash,
  log_index: (tip) => String(tip.logIndex),
  block_number: (tip) => String(tip.blockNumber),
  block_hash: (tip) => tip.blockHash,
} as const satisfies Record<string, (tip: StoredTip) => string>;

export const CSV_COLUMNS = Object.keys(COLUMNS);

export function csvRow(tip: StoredTip): string[] {
  return Object.values(COLUMNS).map((cell) => safeCell(cell(tip)));
}

/** Rows in, RFC 4180 out. Everything is in quotes, so that no separator of another country splits a cell. */
export function csvWriter({ bom }: { readonly bom: boolean }): Stringifier {
  return stringify({ bom, header: true, columns: CSV_COLUMNS, quoted: true, quoted_empty: true, record_delimiter: 'windows' });
}
