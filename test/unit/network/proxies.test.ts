import { describe, expect, test } from 'vitest';

import { noProxies, proxyFor, readProxies, type Proxies } from '../../../src/network/proxies.ts';

function read(env: Record<string, string>): Proxies {
  const proxies = readProxies(env);
  if ('wrong' in proxies) throw new Error(proxies.wrong);
  return proxies;
}

describe('the environment', () => {
  const cases: Record<string, { env: Record<string, string>; expected: Partial<Proxies> }> = {
    'says nothing': { env: {}, expected: {} },
    'says nothing in empty variables': { env: { HTTPS_PROXY: '', http_proxy: ' ' }, expected: {} },
    'names a proxy for each scheme': {
      env: { HTTPS_PROXY: 'http://a:3128', HTTP_PROXY: 'http://b' },
      expected: { https: 'http://a:3128/', http: 'http://b/' },
    },
    'may leave the scheme out': { env: { https_proxy: 'a:3128' }, expected: { https: 'http://a:3128/' } },
    'counts in lower case first': {
      env: { HTTPS_PROXY: 'http://upper', https_proxy: 'http://lower' },
      expected: { https: 'http://lower/' },
    },
    'says whom to reach without': { env: { NO_PROXY: '.svc' }, expected: { without: '.svc' } },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { env, expected }) => {
    expect(read(env)).toEqual({ ...noProxies, ...expected });
  });

  test.each(['socks5://a:1080', 'http://', 'http://a/path', 'http://a b', 'file:///a'])(
    'holds no address of a proxy: %s; the variable is named, its value is not',
    (value) => {
      expect(readProxies({ HTTPS_PROXY: value })).toEqual({ wrong: 'HTTPS_PROXY' });
    },
  );
});

describe('who is reached without a proxy', () => {
  const cases: Record<string, { without: string; yes: readonly string[]; no: readonly string[] }> = {
    everybody: { without: '*', yes: ['https://a.net', 'https://10.0.0.1'], no: [] },
    'a name and all below it': {
      without: 'example.com, .corp *.svc',
      yes: [
        'https://example.com',
        'https://a.example.com:8443',
        'https://b.corp',
        'https://corp',
        'https://x.svc',
      ],
      no: ['https://aexample.com', 'https://example.com.net'],
    },
    'a name at one port': {
      without: 'a.net:8443',
      yes: ['https://a.net:8443'],
      no: ['https://a.net', 'https://b.net:8443'],
    },
    'addresses and ranges': {
      without: '10.0.0.0/8,192.168.1.1,fd00::/8,[::1]:443',
      yes: ['https://10.1.2.3', 'https://192.168.1.1', 'https://[fd00::1]', 'https://[::1]'],
      no: ['https://11.0.0.1', 'https://[::1]:8443', 'https://a.net'],
    },
    nobody: { without: '', yes: [], no: ['https://a.net'] },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { without, yes, no }) => {
    const proxies = { http: 'http://p:1/', https: 'http://p:2/', without };
    expect(yes.filter((url) => proxyFor(proxies, new URL(url)) !== undefined)).toEqual([]);
    expect(no.filter((url) => proxyFor(proxies, new URL(url)) !== 'http://p:2/')).toEqual([]);
  });

  test('each scheme has its own proxy, or none', () => {
    const proxies = { http: undefined, https: 'http://p:2/', without: '' };
    expect(proxyFor(proxies, new URL('http://a.net'))).toBeUndefined();
    expect(proxyFor(proxies, new URL('https://a.net'))).toBe('http://p:2/');
  });
});
