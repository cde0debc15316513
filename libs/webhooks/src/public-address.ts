import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** All that is routed in the world. Whatever lies outside is nobody's, deprecated, or another spelling of an IPv4 address. */
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');
/** Networks without IPv4 reach it through these (RFC 6052); the last four bytes say where a packet goes. */
const NAT64 = ipaddr.IPv6.parse('64:ff9b::');

/**
 * Does the address lead to somebody else's public machine? Not to this one, not into a private network, not to a link's metadata service. An
 * IPv4 address in IPv6 clothes (mapped, NAT64) is judged by what is inside; tunnels (6to4, Teredo) lead nowhere.
 */
export function isPublicAddress(text: string): boolean {
  if (isIP(text) === 0 || text.includes('%')) return false;
  // In one spelling: the library takes `::1.2.3.4` for a mapped address, which it is not.
  const address = ipaddr.parse(isIP(text) === 6 ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text);
  if (address instanceof ipaddr.IPv4) return address.range() === 'unicast';
  if (address.isIPv4MappedAddress()) return address.toIPv4Address().range() === 'unicast';
  if (address.match(NAT64, 96)) return new ipaddr.IPv4(address.toByteArray().slice(12)).range() === 'unicast';
  return address.match(GLOBAL_UNICAST, 3) && address.range() === 'unicast';
}
