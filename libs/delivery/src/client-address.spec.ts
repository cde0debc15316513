import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressBook, clientAddress, networkOf } from './client-address.js';

describe(AddressBook.name, () => {
  it('knows single addresses, ranges and names', () => {
    const book = new AddressBook(['192.0.2.7', '10.0.0.0/8', '2001:db8::/32', 'loopback']);
    expect(['192.0.2.7', '10.200.0.1', '2001:db8:1::5', '127.0.0.1', '::1', '::ffff:10.0.0.1'].every((address) => book.has(address))).toBe(
      true,
    );
    expect(['192.0.2.8', '11.0.0.1', '2001:db9::1', 'unknown', ''].some((address) => book.has(address))).toBe(false);
  });

  it.each(['10.0.0.0/33', '10.0.0.0/', 'example.com', '10.0.0.0/8/8', '2001:db8::/129', '10.0.0.0/-1'])(
    'refuses %s with a sentence',
    (entry) => {
      expect(() => new AddressBook([entry])).toThrow(`"${entry}" is neither`);
    },
  );
});

describe(clientAddress.name, () => {
  const trusted = new AddressBook(['10.0.0.0/8']);

  it('believes nobody who is not listed', () => {
    expect(clientAddress('198.51.100.1', '203.0.113.5', trusted)).toBe('198.51.100.1');
  });

  it('takes the right-most address that no proxy of ours has, since the rest may be made up', () => {
    expect(clientAddress('10.0.0.1', '1.1.1.1, 203.0.113.5, 10.0.0.9', trusted)).toBe('203.0.113.5');
    expect(clientAddress('::ffff:10.0.0.1', '2001:db8::7', trusted)).toBe('2001:db8::7');
  });

  it('stays with the last proxy when what it forwards is not an address', () => {
    expect(clientAddress('10.0.0.1', 'unknown', trusted)).toBe('10.0.0.1');
    expect(clientAddress('10.0.0.1', undefined, trusted)).toBe('10.0.0.1');
  });

  it('cannot be led past an untrusted hop by anything to its left', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string())), (made) => {
        expect(clientAddress('10.0.0.1', [...made, '203.0.113.5'].join(','), trusted)).toBe('203.0.113.5');
      }),
    );
  });
});

describe(networkOf.name, () => {
  it('is the address itself for IPv4 and the /64 for IPv6, however it is written', () => {
    expect(networkOf('192.0.2.1')).toBe('192.0.2.1');
    expect(networkOf('::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(networkOf('2001:db8:0:7::1')).toBe('2001:db8:0:7::/64');
    expect(networkOf('2001:0db8:0000:0007:ffff:ffff:ffff:ffff')).toBe('2001:db8:0:7::/64');
    expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
    expect(networkOf('::1')).toBe('0:0:0:0::/64');
    expect(networkOf('unknown')).toBe('unknown');
  });

  it('is the same for any two addresses of one /64', () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
    const half = fc.array(group, { minLength: 4, maxLength: 4 }).map((groups) => groups.join(':'));
    fc.assert(
      fc.property(half, half, half, (prefix, one, other) => {
        expect(networkOf(`${prefix}:${one}`)).toBe(networkOf(`${prefix}:${other}`));
      }),
    );
  });
});
