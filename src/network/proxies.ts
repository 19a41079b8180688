import { isIP } from 'node:net';

import { nameOf } from './allowed-hosts.ts';
import { parseRange } from './address.ts';

/** The proxies of the process' environment. Their addresses may hold passwords: never to be printed. */
export interface Proxies {
  readonly http: string | undefined;
  readonly https: string | undefined;
  /** Whom to reach without a proxy. */
  readonly without: string;
}

export const noProxies: Proxies = Object.freeze({ http: undefined, https: undefined, without: '' });

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; the names in lower case go first, as they do for curl.
 *
 * @returns the name of a variable that holds no address of a proxy: http or https, a host, and no path.
 */
export function readProxies(env: Environment): Proxies | { readonly wrong: string } {
  const given = (name: string): string | undefined => {
    const value = env[name.toLowerCase()] ?? env[name];
    return value === undefined || value.trim() === '' ? undefined : value.trim();
  };
  const wrong = ['HTTP_PROXY', 'HTTPS_PROXY'].find((name) => {
    const value = given(name);
    return value !== undefined && addressOf(value) === undefined;
  });
  if (wrong !== undefined) return { wrong };
  return Object.freeze({
    http: addressOf(given('HTTP_PROXY')),
    https: addressOf(given('HTTPS_PROXY')),
    without: given('NO_PROXY') ?? '',
  });
}

/** Without a scheme it is http, as other tools have it. */
function addressOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text) ? text : `http://${text}`);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined;
  return url.pathname === '/' && url.search === '' ? url.href : undefined;
}

/** The proxy that a URL is reached by; undefined: none. */
export function proxyFor(proxies: Proxies, url: URL): string | undefined {
  const proxy = url.protocol === 'https:' ? proxies.https : proxies.http;
  return proxy === undefined || isWithout(proxies.without, url) ? undefined : proxy;
}

/**
 * As most tools read `NO_PROXY`: `*`, or names with commas or spaces between them. A name stands for itself and all
 * below it, with or without a dot or `*.` before it; addresses and ranges of addresses stand for hosts that are written
 * as addresses. An entry with a port is about that port alone.
 */
function isWithout(list: string, url: URL): boolean {
  const host = nameOf(url);
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => entry === '*' || stands(entry, host, port));
}

function stands(entry: string, host: string, port: string): boolean {
  if (isWithin(entry, host)) return true;
  const [, bracketed, plain = '', only = port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  if (only !== port) return false;
  return isIP(host) === 0 ? isAtOrBelow(plain, host) : isWithin(bracketed ?? plain, host);
}

function isWithin(entry: string, host: string): boolean {
  return parseRange(entry)?.contains(host) === true;
}

function isAtOrBelow(entry: string, host: string): boolean {
  const name = entry.replace(/^\*?\./, '').replace(/\.$/, '');
  return name !== '' && (host === name || host.endsWith(`.${name}`));
}
