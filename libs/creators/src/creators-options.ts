import type { TokenKey } from '@droppio/protocol/overlay-token';

/** What the room needs to know; a class, because it is its own injection token. */
export class CreatorsOptions {
  /** Opens `POST /v1/creators`. Without one nobody may. */
  readonly adminToken?: string;
  /** Sign overlay URLs; the gateways verify with the same list. */
  readonly tokenKeys: readonly TokenKey[];
  /** Where the overlay page is served, without a trailing slash. */
  readonly pageUrl: string;
  /** Where overlays open their WebSocket: `wss://host/overlay`. */
  readonly gatewayUrl: string;

  constructor(options: { adminToken?: string | undefined; tokenKeys: readonly TokenKey[]; pageUrl: string; gatewayUrl: string }) {
    if (options.adminToken !== undefined) this.adminToken = options.adminToken;
    this.tokenKeys = options.tokenKeys;
    this.pageUrl = options.pageUrl;
    this.gatewayUrl = options.gatewayUrl;
  }
}
