import { isIP } from 'node:net';

import { type AddressKind, type AddressRange, kindOf, parseRange } from './address.ts';

/**
 * Where connections may lead that people of a namespace make. A tenant chooses the address; the operator, whose network
 * reaches further than the tenant's, makes the requests. So nothing but what is listed is dialled.
 */
export type AllowedHosts = readonly HostEntry[];

/** One entry of the list. Of another scheme or port it says nothing. */
export interface HostEntry {
  readonly scheme: 'http:' | 'https:';
  /** Undefined: every port. */
  readonly port: string | undefined;
  readonly what: Hosts;
}

type Hosts =
  /** Every name that can be one of the Internet. */
  | { readonly kind: 'public' }
  | { readonly kind: 'name'; readonly name: string }
  /** Every name that ends so; it begins with a dot. */
  | { readonly kind: 'below'; readonly suffix: string }
  | { readonly kind: 'range'; readonly range: AddressRange };

/**
 * Who answers for where a connection leads: the administrator, who made it, or the list. The rule goes along with each
 * transport to the moment at which it dials.
 */
export type DialRule =
  { readonly rule: 'administrator' } | { readonly rule: 'listed'; readonly hosts: AllowedHosts };

/** What is listed where nothing else is said. */
export const PUBLIC = 'public';

const LABEL = '[A-Za-z0-9_](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?';
const NAME = new RegExp(`^(?<wild>\\*\\.)?(?<name>${LABEL}(?:\\.${LABEL})*)\\.?$`);

/**
 * Reads a list of `[SCHEME://]HOST[:PORT]` with commas between them. HOST is `public`, a name, `*.` and a name, an
 * address, or a range of addresses; one of IPv6 stands in brackets where a port follows. The scheme is https where none
 * is given, and the port any.
 */
export function parseAllowedHosts(text: string): AllowedHosts | undefined {
  const entries = text.split(',').map(parseEntry);
  const read = entries.filter((entry) => entry !== undefined);
  return read.length === entries.length ? Object.freeze(read) : undefined;
}

function parseEntry(text: string): HostEntry | undefined {
  const [, scheme = 'https:', rest = ''] = /^(?:(https?:)\/\/)?(.*)$/.exec(text) ?? [];
  const { host, port } = split(rest);
  const what = hostsOf(host);
  if (what === undefined || Number(port ?? 0) > 65_535) return undefined;
  return Object.freeze({ scheme: scheme === 'http:' ? 'http:' : 'https:', port, what });
}

function split(text: string): { readonly host: string; readonly port: string | undefined } {
  const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:./]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  return { host: bracketed ?? plain ?? text, port: port === undefined ? undefined : String(Number(port)) };
}

function hostsOf(text: string): Hosts | undefined {
  if (text === PUBLIC) return { kind: 'public' };
  const range = parseRange(text);
  if (range !== undefined) return { kind: 'range', range };
  const { name, wild } = NAME.exec(text)?.groups ?? {};
  // What is a number to a browser, such as 0x7f.1, is an address in disguise.
  if (name === undefined || nameOf(new URL(`https://${name}`)) !== name.toLowerCase()) return undefined;
  return wild === undefined
    ? { kind: 'name', name: name.toLowerCase() }
    : { kind: 'below', suffix: `.${name.toLowerCase()}` };
}

/** Endings of names that lead inside, or to nobody, wherever they are asked for. */
const INSIDE =
  /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|svc|arpa|onion|invalid|test)$/;

/** Whether a name can be one of the Internet: two labels at least, and not of an ending that is used inside. */
function isPublicName(name: string): boolean {
  return name.includes('.') && !INSIDE.test(name);
}

/** The host of a URL: a name in lower case without the dot at its end, or an address without brackets. */
export function nameOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

/** Why a URL may not be asked; undefined: it may, as far as its text tells. Its addresses are another question. */
export type HostRefusal = 'scheme' | 'host';

/**
 * The first question: whether the list names the host of a URL. It is the only one where a proxy looks up the name.
 * `scheme`: it would be allowed over https.
 */
export function refusalOf(rule: DialRule, url: URL): HostRefusal | undefined {
  if (rule.rule === 'administrator') return undefined;
  if (matches(rule.hosts, url, url.protocol)) return undefined;
  return url.protocol === 'http:' && matches(rule.hosts, url, 'https:') ? 'scheme' : 'host';
}

function matches(hosts: AllowedHosts, url: URL, scheme: string): boolean {
  const host = nameOf(url);
  const [user, asName] = [url.username + url.password, isIP(host) === 0];
  if (user !== '') return false;
  return of(hosts, url, scheme).some(({ what }) => {
    switch (what.kind) {
      case 'public':
        return asName && isPublicName(host);
      case 'name':
        return asName && host === what.name;
      case 'below':
        return asName && host.endsWith(what.suffix);
      case 'range':
        return what.range.contains(host);
    }
  });
}

/** The entries that speak of this scheme and port. */
function of(hosts: AllowedHosts, url: URL, scheme: string): AllowedHosts {
  const port = url.port === '' ? (url.protocol === 'http:' ? '80' : '443') : url.port;
  return hosts.filter((entry) => entry.scheme === scheme && (entry.port ?? port) === port);
}

/** Networks that a listed name may lead into without its addresses being listed. */
const ownNetworks: ReadonlySet<AddressKind> = new Set(['private', 'shared']);

/**
 * The second question, when a connection is made: whether this address of the URL's host may be dialled. Public ones
 * may, and those that are listed; and where the host is listed by its name, those of private networks. Whatever else
 * a name leads to (this host, this link, the cloud's metadata) has to be listed itself.
 *
 * @returns what the address is for, where it may not; undefined where it may.
 */
export function addressRefusalOf(rule: DialRule, url: URL, address: string): AddressKind | undefined {
  if (rule.rule === 'administrator') return undefined;
  const kind = kindOf(address);
  if (kind === 'public') return undefined;
  const entries = of(rule.hosts, url, url.protocol);
  if (entries.some(({ what }) => what.kind === 'range' && what.range.contains(address))) return undefined;
  return ownNetworks.has(kind) && isListedByName(entries, nameOf(url)) ? undefined : kind;
}

function isListedByName(entries: AllowedHosts, host: string): boolean {
  return entries.some(
    ({ what }) =>
      (what.kind === 'name' && what.name === host) || (what.kind === 'below' && host.endsWith(what.suffix)),
  );
}
