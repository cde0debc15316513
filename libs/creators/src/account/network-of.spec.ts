import { describe, expect, it } from 'vitest';
import { networkOf } from './network-of.js';

describe(networkOf.name, () => {
  it.each([
    ['203.0.113.77', '203.0.113.0/24'],
    ['::ffff:203.0.113.77', '203.0.113.0/24'],
    ['2001:DB8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['2001:db8::1', '2001:db8:0::/48'],
    ['2001:0db8:00ff::', '2001:db8:ff::/48'],
    ['2001::5:6:7:8:9:a', '2001:0:5::/48'],
    ['::1', '0:0:0::/48'],
    ['fe80::1%eth0', 'fe80:0:0::/48'],
  ])('cuts %s to %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it.each([undefined, '', 'localhost', '999.1.1.1', '1.2.3', 'dro_pat_x'])('knows %j as no address', (text) => {
    expect(networkOf(text)).toBeUndefined();
  });
});
