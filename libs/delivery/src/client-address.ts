import { BlockList, isIP, isIPv4 } from 'node:net';

const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** A set of addresses, from single ones, CIDR ranges, and the names that Express knows too. Throws a sentence on anything else. */
export class AddressBook {
  private readonly ranges = new BlockList();

  constructor(entries: readonly string[]) {
    for (const entry of entries.flatMap((name) => NAMED[name] ?? [name])) this.add(entry);
  }

  has(address: string): boolean {
    const plain = unmapped(address);
    return isIP(plain) !== 0 && this.ranges.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
  }

  private add(entry: string): void {
    const [address = '', prefix, ...rest] = entry.split('/');
    const bits = isIPv4(address) ? 32 : 128;
    const length = prefix === undefined ? bits : Number(prefix);
    const fits = isIP(address) !== 0 && rest.length === 0 && prefix !== '' && Number.isInteger(length) && length >= 0 && length <= bits;
    if (!fits) throw new TypeError(`"${entry}" is neither an address nor a CIDR range`);
    this.ranges.addSubnet(address, length, isIPv4(address) ? 'ipv4' : 'ipv6');
  }
}

/**
 * Who is really calling: the right-most address of X-Forwarded-For that no trusted proxy has. Everything to the left of it the caller
 * may have made up.
 */
export function clientAddress(peer: string, forwardedFor: string | undefined, trusted: AddressBook): string {
  let address = unmapped(peer);
  if (forwardedFor === undefined) return address;
  for (const hop of forwardedFor.slice(-1000).split(',').reverse()) {
    if (!trusted.has(address)) return address;
    const next = unmapped(hop.trim());
    if (isIP(next) === 0) return address;
    address = next;
  }
  return address;
}

/** What limits count by: an IPv4 address, or the /64 of an IPv6 one, since one subscriber owns all of it. */
export function networkOf(address: string): string {
  const plain = unmapped(address);
  if (isIP(plain) !== 6) return plain;
  const [left = '', right] = (plain.split('%')[0] ?? '').split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const groups = right === undefined ? head : [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/** As much of a network as may be written down: where to look, and not who it was. An IPv4 /24 or an IPv6 /48. */
export function prefixOf(network: string): string {
  if (isIPv4(network)) return network.replace(/\d+$/, '0/24');
  return network.replace(/:[^:]+::\/64$/, '::/48');
}

/** `::ffff:192.0.2.1` is how a dual-stack socket spells `192.0.2.1`. */
function unmapped(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address;
}
