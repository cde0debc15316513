/** What viewers call a chain. The list is the page's own: nobody else's words for it reach a screen. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'Ethereum',
  10: 'Optimism',
  56: 'BNB Chain',
  100: 'Gnosis',
  130: 'Unichain',
  137: 'Polygon',
  324: 'zkSync Era',
  480: 'World Chain',
  8453: 'Base',
  42161: 'Arbitrum',
  42220: 'Celo',
  43114: 'Avalanche',
  57073: 'Ink',
  59144: 'Linea',
  534352: 'Scroll',
  7777777: 'Zora',
  31337: 'Local chain',
  84532: 'Base Sepolia',
  11155111: 'Sepolia',
};

export const chainName = (chainId: number): string => NAMES[chainId] ?? `chain ${String(chainId)}`;
