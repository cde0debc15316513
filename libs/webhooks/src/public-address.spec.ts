import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from './public-address.js';

const OURS = `
168.63.129.16 ::ffff:168.63.129.16 64:ff9b::a83f:8110
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.0.1 169.254.169.254 172.16.0.1
172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::169.254.169.254 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:7f00:1 ::ffff:0:127.0.0.1
64:ff9b::127.0.0.1 64:ff9b::10.1.2.3 64:ff9b::a9fe:a9fe 64:ff9b:1::1 64:ff9b:1:ffff::8.8.8.8
100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a00:1::1 2002:808:808::1
3fff::1 4000::1 5f00::1 fc00::1 fd00::1 fd00:ec2::254 fdff:ffff::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff05::2
`
  .trim()
  .split(/\s+/);

const THEIRS = [
  '1.1.1.1',
  '8.8.8.8',
  '168.63.129.15',
  '168.63.129.17',
  '93.184.216.34',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
  '2606:4700:4700::1111',
  '2a00:1450:4001::1',
];

describe(isPublicAddress.name, () => {
  it.each(OURS)('%s is not for strangers to name', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(THEIRS)('%s is a public machine', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it('refuses what is no address', () => {
    for (const text of ['', 'localhost', '127.1', '0x7f000001', '2130706433', '017700000001', '1.2.3.4.5', '[::1]', ' 8.8.8.8']) {
      expect(isPublicAddress(text)).toBe(false);
    }
  });

  it('judges an IPv4 address the same in IPv6 clothes', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const verdict = isPublicAddress(address);
        expect([isPublicAddress(`::ffff:${address}`), isPublicAddress(`64:ff9b::${address}`)]).toEqual([verdict, verdict]);
        expect(isPublicAddress(`::${address}`)).toBe(false);
      }),
    );
  });
});
