import { gatewayFor, gatewayForPreview } from '@droppio/protocol';

export interface PageSettings {
  readonly token: string;
  /** Distinguishes two browser sources of one URL; without a name they share out numbers. */
  readonly name?: string;
  readonly gatewayUrl: string;
  /** Seconds: see `restAfterSec` of the overlay’s config, which it goes before. */
  readonly restAfterSec?: number;
  /** Somebody looks who is not the stream: this page takes nothing from those that are, and sounds only where that is asked for. */
  readonly preview?: { readonly sounds: boolean };
}

/** What is used of `window.location`. */
export interface PageAddress {
  readonly protocol: string;
  readonly host: string;
  readonly search?: string;
  readonly hash: string;
}

const TOKEN = /^dro_ov_[\w-]{1,505}$/;
const NAME_MAX = 40;
const REST_MAX_SEC = 3600;

/** `#dro_ov_…`, or `#token=dro_ov_…&name=left&rest=300`, and before it `?preview=1` or `?preview=1&sound=1`. `undefined` when the fragment holds no token. */
export function readSettings(address: PageAddress, gateway: string): PageSettings | undefined {
  const fragment = address.hash.replace(/^#/, '');
  const fields = new URLSearchParams(fragment.includes('=') ? fragment : `token=${fragment}`);
  const token = fields.get('token') ?? '';
  if (!TOKEN.test(token)) return undefined;
  // Half a letter at the end would be none that can be written down.
  const name =
    fields
      .get('name')
      ?.trim()
      .slice(0, NAME_MAX)
      .replace(/[\ud800-\udbff]$/, '') ?? '';
  const rest = Number(fields.get('rest') ?? 0);
  // The fragment never leaves this page; a load balancer that keeps a creator's overlays together needs to know whose they are.
  const ours = gatewayFor(gatewayUrl(address, gateway), token);
  const preview = previewIn(new URLSearchParams(address.search));
  return {
    token,
    gatewayUrl: preview === undefined ? ours : gatewayForPreview(ours),
    ...(name !== '' && { name }),
    ...(rest >= 1 && rest <= REST_MAX_SEC && { restAfterSec: rest }),
    ...(preview !== undefined && { preview }),
  };
}

function previewIn(query: URLSearchParams): PageSettings['preview'] {
  return query.get('preview') === '1' ? { sounds: query.get('sound') === '1' } : undefined;
}

function gatewayUrl({ protocol, host }: PageAddress, gateway: string): string {
  if (gateway !== '') return gateway;
  return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/overlay`;
}
