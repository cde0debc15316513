import { createHash } from 'node:crypto';
import type { ChainSettings } from '../chain-settings.js';

/** Raised when the same settings come to mean other tips, so that what was searched before does not count as searched. */
const FORMAT = 1;

/** Names what is looked for on a chain. The same settings have the same name, in whatever order they list tokens. */
export function filterVersion({ tipJar, tokens, transfers }: Pick<ChainSettings, 'tipJar' | 'tokens' | 'transfers'>): string {
  const watched = transfers.tokens ? tokens.map(({ address }) => address).sort() : [];
  const wanted = JSON.stringify([FORMAT, tipJar, watched, transfers.native]);
  return createHash('sha256').update(wanted).digest('hex').slice(0, 16);
}
