import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** All that is routed in the world. Whatever lies outside is nobody's, deprecated, or another spelling of an IPv4 address. */
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');
/** Networks without IPv4 reach it through these (RFC 6052); the last four bytes say where a packet goes. */
const NAT64 = ipaddr.IPv6.parse('64:ff9b::');
/**
 * Public by their numbers, and answered inside a cloud to its own machines alone: Azure's platform (metadata, health, DNS) has one address in
 * every virtual network. Other clouds keep theirs in link-local, shared or unique-local space.
 */
const PLATFORMS = new Set(['168.63.129.16']);

/**
 * Does the address lead to somebody else's public machine? Not to this one, not into a private network, not to a link's metadata service. An
 * IPv4 address in IPv6 clothes (mapped, NAT64) is judged by what is inside; tunnels (6to4, Teredo) lead nowhere.
 */
export function isPublicAddress(text: string): boolean {
  if (isIP(text) === 0 || text.includes('%')) return false;
  // In one spelling: the library takes `::1.2.3.4` for a mapped address, which it is not.
  const address = ipaddr.parse(isIP(text) === 6 ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text);
  if (address instanceof ipaddr.IPv4) return isPublicIPv4(address);
  if (address.isIPv4MappedAddress()) return isPublicIPv4(address.toIPv4Address());
  if (address.match(NAT64, 96)) return isPublicIPv4(new ipaddr.IPv4(address.toByteArray().slice(12)));
  return address.match(GLOBAL_UNICAST, 3) && address.range() === 'unicast';
}

function isPublicIPv4(address: ipaddr.IPv4): boolean {
  return address.range() === 'unicast' && !PLATFORMS.has(address.toString());
}
