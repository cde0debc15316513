import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './kustomize.js';

interface Span {
  readonly least: number;
  readonly most: number;
}

/** What docs/proof/fanout.md measured of our own gateway, over all its tables. */
export function gatewayCosts(): { readonly deliveryMicroseconds: Span; readonly residentBytes: Span; readonly kernelBytes: Span } {
  const text = readFileSync(join(ROOT, 'docs/proof/fanout.md'), 'utf8');
  const rows = [...text.matchAll(/^\| droppio \|.*$/gm)].map(([row]) => row.split('|').map((cell) => Number(cell.trim())));
  const span = (column: number, divisor = 1): Span => {
    const values = rows.map((cells) => (cells[column] ?? Number.NaN) / divisor);
    return { least: Math.min(...values), most: Math.max(...values) };
  };
  // A pair is the socket at both ends; only one of them is the gateway's.
  return { deliveryMicroseconds: span(2), residentBytes: span(7), kernelBytes: span(8, 2) };
}
