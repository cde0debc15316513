import { isIP } from 'node:net';
import type { WebhookFault } from '@droppio/tips';
import type { NameResolver } from './name-resolver.js';
import { isPublicAddress } from './public-address.js';

/** Where a request goes: nothing but these addresses may be connected to. */
export interface Target {
  readonly kind: 'target';
  readonly url: URL;
  readonly addresses: readonly string[];
}

/** `why` is for the owner of the webhook. It says the same of a name that leads into our network and of one that leads nowhere. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly fault: Extract<WebhookFault, 'refused-address' | 'no-address'>;
  readonly why: string;
}

export interface TargetRules {
  readonly ports: ReadonlySet<number>;
  readonly allowHttp: boolean;
  /** Who counts as public. Tests, whose servers listen on the loopback, say otherwise; no setting does. */
  readonly isPublic?: (address: string) => boolean;
}

const MOST_CHARACTERS = 2048;
/** Names that are for use inside of networks, or for none (RFC 6761, 6762, 7686, 8375, 9476). */
const PRIVATE_ENDINGS = new Set(
  'localhost local localdomain internal intranet private corp home lan svc arpa onion invalid test example alt'.split(' '),
);
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

const NOWHERE = 'The host has no public address.';

/** Decides what a webhook may be sent to: by its text, and by every address that its name has at this moment. Asked at each attempt. */
export class TargetGuard {
  constructor(
    private readonly rules: TargetRules,
    private readonly resolver: NameResolver,
  ) {}

  async check(text: string): Promise<Target | Refusal> {
    const url = this.read(text);
    if (typeof url === 'string') return refusal(url);
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const isPublic = this.rules.isPublic ?? isPublicAddress;
    // Node connects to an address without looking it up, so it has to be judged here.
    const addresses = isIP(host) > 0 ? [host] : await this.resolver.addressesOf(host);
    if (addresses.length === 0) return { kind: 'refusal', fault: 'no-address', why: NOWHERE };
    return addresses.every(isPublic) ? { kind: 'target', url, addresses } : refusal(NOWHERE);
  }

  /** The address, or what is wrong with it. */
  private read(text: string): URL | string {
    // The parser forgives these, and others read them in another way.
    if (text.length > MOST_CHARACTERS || /[\s\\\p{Cc}]/u.test(text) || !URL.canParse(text)) return 'This is no address of a website.';
    if (/^[a-z]+:\/*[^/?#]*@/i.test(text)) return 'The address must not hold credentials.';
    if (text.includes('#')) return 'The address must not have a fragment.';
    const url = new URL(text);
    return this.faultOf(url) ?? url;
  }

  private faultOf({ href, protocol, port, hostname }: URL): string | undefined {
    const { allowHttp, ports } = this.rules;
    // Written in ASCII it is up to nine times as long as it was.
    if (href.length > MOST_CHARACTERS) return `The address must have at most ${String(MOST_CHARACTERS)} characters in its ASCII form.`;
    if (protocol !== 'https:' && !(allowHttp && protocol === 'http:')) return 'The address must begin with https://.';
    // Empty: the one of the protocol.
    const isAllowed = port === '' ? protocol === 'http:' || ports.has(443) : ports.has(Number(port));
    if (!isAllowed) return `The port must be one of ${[...ports].join(', ')}.`;
    return hostname.startsWith('[') || isIP(hostname) > 0 || isPublicName(hostname) ? undefined : NOWHERE;
  }
}

function refusal(why: string): Refusal {
  return { kind: 'refusal', fault: 'refused-address', why };
}

function isPublicName(name: string): boolean {
  const labels = name.split('.');
  return name.length <= 253 && labels.length > 1 && labels.every((label) => LABEL.test(label)) && !PRIVATE_ENDINGS.has(labels.at(-1) ?? '');
}
