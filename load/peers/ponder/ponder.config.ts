import { createConfig } from 'ponder';
import { parseAbi } from 'viem';

const {
  PEER_RPC_URL: rpcUrl = '',
  PEER_WS_URL: wsUrl = '',
  PEER_JAR = '',
  PEER_CHAIN_ID = '',
  PEER_POLL_MS = '',
  PEER_START_BLOCK = '1',
} = process.env;

/** Its request limiter starts at 20 a second for each endpoint that is listed and grows by 5 %: listed this often, it never waits for it. */
const ENDPOINTS = 50;

export default createConfig({
  database: { kind: 'postgres' },
  chains: {
    bench: {
      id: Number(PEER_CHAIN_ID),
      rpc: Array.from({ length: ENDPOINTS }, () => rpcUrl),
      ...(wsUrl !== '' && { ws: wsUrl }),
      ...(PEER_POLL_MS !== '' && { pollingInterval: Number(PEER_POLL_MS) }),
    },
  },
  contracts: {
    TipJar: {
      abi: parseAbi([
        'event Tip(address indexed creator, address indexed from, address token, uint256 amount, string message, bytes32 ref)',
      ]),
      chain: 'bench',
      address: PEER_JAR as `0x${string}`,
      startBlock: PEER_START_BLOCK === 'latest' ? 'latest' : Number(PEER_START_BLOCK),
    },
  },
});
