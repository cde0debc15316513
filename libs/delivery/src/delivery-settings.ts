import type { TokenKey } from '@droppio/protocol/overlay-token';
import type { AddressBook } from './client-address.js';

/** What `DeliveryModule.for` takes; `deliverySettings(env)` makes one. Limits of 0 mean: none. Also the injection token of its own value. */
export abstract class DeliverySettings {
  abstract readonly tokenKeys: readonly TokenKey[];
  abstract readonly maxFrameBytes: number;
  abstract readonly maxSockets: number;
  abstract readonly maxSocketsPerToken: number;
  abstract readonly maxSocketsPerIp: number;
  abstract readonly maxUnauthenticated: number;
  abstract readonly maxUnauthenticatedPerIp: number;
  abstract readonly upgradesPerSecond: number;
  abstract readonly upgradesPerMinutePerIp: number;
  abstract readonly trustedProxies: AddressBook;
  abstract readonly allowedOrigins: readonly string[];
  abstract readonly pingMs: number;
  abstract readonly pollMs: number;
  abstract readonly deadMs: number;
  abstract readonly authTimeoutMs: number;
  abstract readonly maxAgeMs: number;
  abstract readonly socketBufferBytes: number;
  abstract readonly nodeBufferBytes: number;
  abstract readonly memoryPercent: number;
  abstract readonly lingerMs: number;
  abstract readonly positionCheckMs: number;
  abstract readonly restoreTimeoutMs: number;
  abstract readonly drainDelayMs: number;
  /** Absent: by the number of sockets. 0: no `move`, everybody is closed 4001. */
  abstract readonly drainWindowMs?: number;
  abstract readonly drainGraceMs: number;
}
