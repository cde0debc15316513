export interface PageSettings {
  readonly token: string;
  /** Distinguishes two browser sources of one URL; without a name they share out numbers. */
  readonly name?: string;
  readonly gatewayUrl: string;
  /** Seconds: see `restAfterSec` of the overlay’s config, which it goes before. */
  readonly restAfterSec?: number;
}

/** What is used of `window.location`. */
export interface PageAddress {
  readonly protocol: string;
  readonly host: string;
  readonly hash: string;
}

const TOKEN = /^dro_ov_[\w-]{1,505}$/;
const NAME_MAX = 40;
const REST_MAX_SEC = 3600;

/** `#dro_ov_…`, or `#token=dro_ov_…&name=left&rest=300`. `undefined` when the fragment holds no token. */
export function readSettings(address: PageAddress, gateway: string): PageSettings | undefined {
  const fragment = address.hash.replace(/^#/, '');
  const fields = new URLSearchParams(fragment.includes('=') ? fragment : `token=${fragment}`);
  const token = fields.get('token') ?? '';
  if (!TOKEN.test(token)) return undefined;
  const name = fields.get('name')?.trim().slice(0, NAME_MAX) ?? '';
  const rest = Number(fields.get('rest') ?? 0);
  return {
    token,
    gatewayUrl: gatewayUrl(address, gateway),
    ...(name !== '' && { name }),
    ...(rest >= 1 && rest <= REST_MAX_SEC && { restAfterSec: rest }),
  };
}

function gatewayUrl({ protocol, host }: PageAddress, gateway: string): string {
  if (gateway !== '') return gateway;
  return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/overlay`;
}
