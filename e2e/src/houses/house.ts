import type { DevAccount } from '@droppio/tip-jar';
import type { Hex } from '@droppio/tips';

export interface HouseChain {
  readonly chainId: number;
  readonly rpcUrl: string;
  readonly wsUrl: string;
  readonly jar: Hex;
  /** Funded keys; stories tip from these. */
  readonly tippers: readonly DevAccount[];
}

/** Droppio as somebody runs it: real processes, reached from outside only. A story written against this runs on every way to run it. */
export interface House {
  readonly name: string;
  readonly apiUrl: string;
  readonly adminToken: string;
  /** Where overlays open their WebSocket. */
  readonly gatewayUrl: string;
  /** The gateways themselves, behind whatever `gatewayUrl` leads to; absent where nobody asks for them one by one. */
  readonly gatewayPorts?: readonly number[];
  readonly chain: HouseChain;
  /** Base addresses of the internal ports, by process. */
  readonly internalUrls: Readonly<Record<string, string>>;
  /** Everything its processes printed. */
  output(): string;
  stop(): Promise<void>;
}
