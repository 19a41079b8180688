import { assert, ipV4, ipV6, pre, property } from 'fast-check';
import { describe, expect, test } from 'vitest';

import { kindOf, parseRange, type AddressKind } from '../../../src/network/address.ts';

describe('what an address is for', () => {
  const cases: Record<AddressKind, readonly string[]> = {
    public: [
      '8.8.8.8',
      '1.1.1.1',
      '9.255.255.255',
      '11.0.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '126.255.255.255',
      '128.0.0.0',
      '169.253.255.255',
      '172.15.255.255',
      '172.32.0.0',
      '192.167.255.255',
      '192.169.0.0',
      '198.17.255.255',
      '198.20.0.0',
      '223.255.255.255',
      '2606:4700:4700::1111',
      '2a00:1450:4001:81b::200e',
      '::ffff:8.8.8.8',
      '64:ff9b::8.8.8.8',
      '2002:808:808::1',
    ],
    loopback: [
      '127.0.0.1',
      '127.255.255.255',
      '::1',
      '0:0:0:0:0:0:0:1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '0:0:0:0:0:ffff:7f00:0001',
      '::127.0.0.1',
      '::ffff:0:127.0.0.1',
      '64:ff9b::127.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
    ],
    unspecified: ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0', '64:ff9b::0.0.0.0', '2002::1'],
    linkLocal: [
      '169.254.0.1',
      '169.254.255.255',
      'fe80::1',
      'febf::1',
      '::ffff:169.254.1.1',
      '2002:a9fe:101::',
    ],
    metadata: [
      '169.254.169.254',
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      '64:ff9b::169.254.169.254',
      '2002:a9fe:a9fe::',
      'fd00:ec2::254',
      'fd20:ce::254',
      '100.100.100.200',
      '192.0.0.192',
      '168.63.129.16',
    ],
    private: [
      '10.0.0.0',
      '10.255.255.255',
      '172.16.0.0',
      '172.31.255.255',
      '192.168.0.1',
      'fc00::1',
      'fdff::1',
      'fec0::1',
      '::ffff:10.0.0.1',
      '64:ff9b::192.168.1.1',
      '2002:c0a8:101::',
    ],
    shared: ['100.64.0.0', '100.127.255.255', '::ffff:100.64.0.1'],
    multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', '::ffff:224.0.0.1'],
    reserved: [
      '192.0.0.1',
      '192.0.2.1',
      '198.18.0.1',
      '198.51.100.1',
      '203.0.113.1',
      '240.0.0.1',
      '255.255.255.255',
      '2001::1',
      '2001:db8::1',
      '3fff::1',
      '64:ff9b:1::1',
      '100::1',
      '4000::1',
      'fe80::1%eth0',
      '127.0.0.1%lo',
      'no address',
      '127.1',
      '0x7f.0.0.1',
      '',
    ],
  };
  const rows = Object.entries(cases).flatMap(([kind, all]) => all.map((address) => ({ address, kind })));

  test.each(rows)('$address: $kind', ({ address, kind }) => {
    expect(kindOf(address)).toBe(kind);
  });

  test('one of IPv6 that carries one of IPv4 is for what that is for', () => {
    assert(
      property(ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        const kind = kindOf(address);
        for (const form of [`::ffff:${address}`, `::ffff:${hex}`, `64:ff9b::${hex}`, `2002:${hex}::1`]) {
          expect([form, kindOf(form)]).toEqual([form, kind]);
        }
      }),
    );
  });

  test('only what has been given out of IPv6 is public', () => {
    assert(
      property(ipV6(), (address) => {
        const first = Number.parseInt(address.split(':')[0] ?? '', 16);
        const outside = !(first >= 0x20_00 && first <= 0x3f_ff);
        pre(outside && !/^(?:0*64:|0*:|::)/.test(address) && first !== 0 && first !== 0x64);
        expect(kindOf(address)).not.toBe('public');
      }),
    );
  });
});

describe('a range', () => {
  const cases: Record<string, { range: string; inside: readonly string[]; outside: readonly string[] }> = {
    'of one address': {
      range: '10.1.2.3',
      inside: ['10.1.2.3', '::ffff:10.1.2.3'],
      outside: ['10.1.2.4', '64:ff9b::10.1.2.3', 'name', '10.1.2.3%lo'],
    },
    'of IPv4': { range: '10.0.0.0/8', inside: ['10.255.0.1'], outside: ['11.0.0.1', '::1'] },
    'that is everything': { range: '0.0.0.0/0', inside: ['127.0.0.1'], outside: ['::1'] },
    'of IPv6': { range: 'fd00::/8', inside: ['fd12::1'], outside: ['fc00::1', '10.0.0.1'] },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { range, inside, outside }) => {
    const read = parseRange(range);
    expect(inside.filter((one) => read?.contains(one) !== true)).toEqual([]);
    expect(outside.filter((one) => read?.contains(one) !== false)).toEqual([]);
  });

  test.each([
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10/8',
    '::1/129',
    '10.0.0.0/8/8',
    'fe80::1%lo',
    'a/8',
  ])('%s is none', (text) => {
    expect(parseRange(text)).toBeUndefined();
  });
});
