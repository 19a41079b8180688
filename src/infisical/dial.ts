import { lookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';

import { Agent, buildConnector, type Dispatcher, ProxyAgent } from 'undici';

import { fault, FaultError } from '../errors.ts';
import type { AddressKind } from '../network/address.ts';
import { addressRefusalOf, type DialRule, refusalOf } from '../network/allowed-hosts.ts';
import { proxyFor, type Proxies } from '../network/proxies.ts';

/** What TLS towards a server is made with, beside the usual roots. */
export interface TLSMaterial {
  /** Certificates in PEM that the server is verified with, instead of the default roots. */
  readonly ca?: string | undefined;
  /** What the client shows of itself, in PEM. */
  readonly client?: { readonly certificate: string; readonly key: string } | undefined;
  /** The name that the certificate must be for, and that the server is told. Default: the host's own. */
  readonly serverName?: string | undefined;
  /** The server's certificate is not verified at all. */
  readonly insecure?: boolean | undefined;
}

/** Looks up all addresses of a host name. */
export type Resolve = (
  host: string,
  done: (error: Error | null, addresses?: readonly LookupAddress[]) => void,
) => void;

export interface DialOptions {
  /** The server; of it only scheme, host and port matter here. */
  readonly url: URL;
  readonly rule: DialRule;
  readonly proxies: Proxies;
  readonly resolve?: Resolve | undefined;
  /** The field of a connection that names the server, for the sentences of faults. @default 'spec.hostAPI' */
  readonly field?: string | undefined;
}

/** Connections to one server. */
const CONNECTIONS = 16;
/** An idle connection is kept for at most this long, whatever the server promises, in milliseconds. */
const LONGEST_KEEP_ALIVE = 30_000;

const limits = {
  allowH2: false,
  connections: CONNECTIONS,
  keepAliveMaxTimeout: LONGEST_KEEP_ALIVE,
  // One deadline for the whole exchange, by the clock, instead.
  headersTimeout: 0,
  bodyTimeout: 0,
};

/** @throws FaultError HostNotAllowed when the rule does not let the host be asked. */
export function requireHost(rule: DialRule, url: URL, field?: string): void {
  const refusal = refusalOf(rule, url);
  if (refusal === undefined) return;
  const list = url.protocol === 'http:' ? url.origin : url.host;
  throw new FaultError(fault('HostNotAllowed', { host: url.origin, list, field }));
}

/**
 * The connections to one server. Without a proxy each of them is made to an address that the rule allows: the very
 * addresses that were looked up and checked are handed to the socket, so that no later look-up can say otherwise. A proxy
 * looks up the name itself; there only {@link requireHost} stands before it.
 */
export function dispatcherTo(options: DialOptions, tls: TLSMaterial): Dispatcher {
  const proxy = proxyFor(options.proxies, options.url);
  const secure = {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.client === undefined ? {} : { cert: tls.client.certificate, key: tls.client.key }),
    ...(tls.insecure === true ? { rejectUnauthorized: false } : {}),
  };
  const servername = tls.serverName;
  if (proxy !== undefined) {
    const requestTls = { ...secure, ...(servername === undefined ? {} : { servername }) };
    return new ProxyAgent({ ...limits, uri: proxy, requestTls });
  }
  const connect = buildConnector({ ...secure, allowH2: false, lookup: checkedLookup(options) });
  return new Agent({
    ...limits,
    connect(wanted, done) {
      const refused = literalRefusal(options, wanted.hostname);
      if (refused !== undefined) queueMicrotask(() => done(refused, null));
      else connect(servername === undefined ? wanted : { ...wanted, servername }, done);
    },
  });
}

/** A host that is an address is dialled without a look-up. */
function literalRefusal(options: DialOptions, hostname: string): FaultError | undefined {
  const address = hostname.replace(/^\[|\]$/g, '');
  return isIP(address) === 0 ? undefined : refusalOfAll(options, [{ address, family: isIP(address) }]);
}

const system: Resolve = (host, done) => lookup(host, { all: true }, done);

function checkedLookup(options: DialOptions): LookupFunction {
  const { resolve = system } = options;
  return (hostname, { all, family }, done) => {
    // With an error there are no addresses, whatever the types of node:dns say.
    resolve(hostname, (error, addresses = []) => {
      const problem = error ?? refusalOfAll(options, addresses) ?? null;
      const wanted = addresses.filter((one) => (family !== 4 && family !== 6) || one.family === family);
      const [first] = wanted;
      if (problem !== null) done(problem, []);
      else if (first === undefined) done(Object.assign(new Error('No address.'), { code: 'ENOTFOUND' }), []);
      else if (all === true) done(null, [...wanted]);
      else done(null, first.address, first.family);
    });
  };
}

/** One address that is not allowed spoils the answer: a name that leads inside as well is not to be trusted. */
function refusalOfAll(
  { rule, url, field }: DialOptions,
  addresses: readonly LookupAddress[],
): FaultError | undefined {
  const refused = addresses.flatMap(({ address }) => addressRefusalOf(rule, url, address) ?? [])[0];
  if (refused === undefined) return undefined;
  return new FaultError(fault('AddressNotAllowed', { host: url.origin, kind: placeOf[refused], field }));
}

const placeOf = {
  public: 'a public address',
  loopback: 'the operator itself (a loopback address)',
  linkLocal: 'the node that the operator runs on (a link-local address)',
  metadata: "a cloud's metadata service",
  private: 'a private network',
  shared: 'a private network (shared address space)',
  multicast: 'a multicast address',
  unspecified: 'the operator itself (an unspecified address)',
  reserved: 'a reserved address',
} as const satisfies Record<AddressKind, string>;
