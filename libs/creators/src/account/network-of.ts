import { isIPv4, isIPv6 } from 'node:net';

/** The /24 or /48 of an address: enough to tell home from elsewhere, too little to tell who. `undefined`: not an address. */
export function networkOf(address: string | undefined): string | undefined {
  const [plain = ''] = (address ?? '').split('%', 1);
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (v4 !== undefined) return isIPv4(v4) ? `${v4.split('.').slice(0, 3).join('.')}.0/24` : undefined;
  if (!isIPv6(plain)) return undefined;
  const [head = [], tail = []] = plain
    .toLowerCase()
    .split('::', 2)
    .map((half) => half.split(':').filter((group) => group !== ''));
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return `${groups
    .slice(0, 3)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/48`;
}
