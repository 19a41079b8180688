import { describe, expect, test } from 'vitest';

import {
  addressRefusalOf,
  parseAllowedHosts,
  refusalOf,
  type DialRule,
} from '../../../src/network/allowed-hosts.ts';

function listed(text: string): DialRule {
  const hosts = parseAllowedHosts(text);
  if (hosts === undefined) throw new Error(`Not read: ${text}`);
  return { rule: 'listed', hosts };
}

describe('whether a host may be asked', () => {
  const cases: Record<string, { list: string; yes: readonly string[]; no: readonly string[] }> = {
    'by default: https, to names of the Internet': {
      list: 'public',
      yes: ['https://eu.infisical.com', 'https://infisical.example.com:8443', 'https://EXAMPLE.com.'],
      no: [
        'http://eu.infisical.com',
        'https://localhost',
        'https://a.localhost',
        'https://infisical',
        'https://infisical.infra.svc',
        'https://infisical.infra.svc.cluster.local',
        'https://metadata.google.internal',
        'https://printer.local',
        'https://8.8.8.8',
        'https://10.0.0.1',
        'https://[2606:4700::1]',
        'https://user@eu.infisical.com',
      ],
    },
    'a name': {
      list: 'infisical.corp',
      yes: ['https://infisical.corp', 'https://Infisical.Corp.', 'https://infisical.corp:8443'],
      no: ['https://a.infisical.corp', 'https://xinfisical.corp', 'https://corp', 'http://infisical.corp'],
    },
    'all names below one, and not that one': {
      list: '*.example.com',
      yes: ['https://a.example.com', 'https://b.a.example.com'],
      no: ['https://example.com', 'https://aexample.com', 'https://a.example.com.evil.net'],
    },
    'http where it is said': {
      list: 'http://infisical.infra.svc:8080',
      yes: ['http://infisical.infra.svc:8080'],
      no: ['http://infisical.infra.svc', 'https://infisical.infra.svc:8080'],
    },
    'the port of the scheme': { list: 'a.net:443', yes: ['https://a.net'], no: ['https://a.net:444'] },
    'an address, however it is written': {
      list: 'http://127.0.0.1',
      yes: ['http://127.0.0.1:8080', 'http://127.1', 'http://0x7f000001', 'http://[::ffff:127.0.0.1]'],
      no: ['http://127.0.0.2', 'http://[::1]', 'http://localhost'],
    },
    'a range': {
      list: '10.0.0.0/8,fd00::/8',
      yes: ['https://10.1.2.3', 'https://[fd00::7]:8443'],
      no: ['https://11.0.0.1', 'https://ten.example.com'],
    },
    'ranges with ports': {
      list: '[fd00::/8]:8443,10.0.0.0/8:8443',
      yes: ['https://10.1.2.3:8443', 'https://[fd00::7]:8443'],
      no: ['https://10.1.2.3', 'https://[fd00::7]'],
    },
    'names of the Internet over http too': {
      list: 'public,http://public',
      yes: ['http://example.com', 'https://example.com'],
      no: ['http://localhost', 'http://127.0.0.1'],
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { list, yes, no }) => {
    const rule = listed(list);
    expect(yes.filter((url) => refusalOf(rule, new URL(url)) !== undefined)).toEqual([]);
    expect(no.filter((url) => refusalOf(rule, new URL(url)) === undefined)).toEqual([]);
    const all = [...yes, ...no].map((url) => refusalOf({ rule: 'administrator' }, new URL(url)));
    expect(all.filter((refusal) => refusal !== undefined)).toEqual([]);
  });

  test('it is said when only the scheme is in the way', () => {
    expect(refusalOf(listed('public'), new URL('http://example.com'))).toBe('scheme');
    expect(refusalOf(listed('public'), new URL('http://localhost'))).toBe('host');
  });
});

describe('whether an address may be dialled', () => {
  const cases: Record<string, { list: string; url: string; yes: readonly string[]; no: readonly string[] }> =
    {
      'of a name of the Internet: public ones': {
        list: 'public',
        url: 'https://example.com',
        yes: ['8.8.8.8', '2606:4700::1', '64:ff9b::8.8.8.8'],
        no: [
          '10.0.0.1',
          '100.64.0.1',
          '127.0.0.1',
          '169.254.169.254',
          '::1',
          '0.0.0.0',
          '224.0.0.1',
          'fd00::1',
        ],
      },
      'of a name that is listed: those of private networks too': {
        list: 'infisical.corp,*.infra.svc',
        url: 'https://infisical.corp',
        yes: ['8.8.8.8', '10.0.0.1', '100.64.0.1', 'fd00::1'],
        no: ['127.0.0.1', '169.254.169.254', '169.254.1.1', 'fd00:ec2::254', '100.100.100.200', '::'],
      },
      'of a name below one that is listed: the same': {
        list: '*.infra.svc',
        url: 'https://infisical.infra.svc',
        yes: ['10.0.0.1'],
        no: ['127.0.0.1', '64:ff9b::127.0.0.1'],
      },
      'that is listed, of whatever name': {
        list: 'public,10.1.0.0/16,127.0.0.1',
        url: 'https://example.com',
        yes: ['10.1.2.3', '127.0.0.1', '::ffff:127.0.0.1', '8.8.8.8'],
        no: ['10.2.0.1', '127.0.0.2', '64:ff9b::127.0.0.1'],
      },
      'that is listed for another scheme or port: no': {
        list: 'public,http://10.0.0.0/8,10.0.0.0/8:8443',
        url: 'https://example.com',
        yes: ['8.8.8.8'],
        no: ['10.0.0.1'],
      },
    };

  test.each(Object.entries(cases))('%s', (_sentence, { list, url, yes, no }) => {
    const refused = (address: string): unknown => addressRefusalOf(listed(list), new URL(url), address);
    expect(yes.filter((address) => refused(address) !== undefined)).toEqual([]);
    expect(no.filter((address) => refused(address) === undefined)).toEqual([]);
  });

  test('the administrator may dial what he likes', () => {
    for (const address of ['127.0.0.1', '169.254.169.254', '10.0.0.1', '::1']) {
      expect(addressRefusalOf({ rule: 'administrator' }, new URL('http://a'), address)).toBeUndefined();
    }
  });
});
