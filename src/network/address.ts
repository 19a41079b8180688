import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * What an IP address is for. Everything but `public` leads inside, or nowhere:
 *
 *  - `loopback`: this host; `linkLocal`: this link; `unspecified`: this host again, to many systems;
 *  - `metadata`: the service of a cloud that hands out the credentials of its machines;
 *  - `private`, `shared`: networks of organisations and, as shared, of carriers (CGNAT);
 *  - `multicast`, and `reserved`: documentation, benchmarks, protocols, and all that nobody has given out.
 */
export type AddressKind =
  | 'public'
  | 'loopback'
  | 'linkLocal'
  | 'metadata'
  | 'private'
  | 'shared'
  | 'multicast'
  | 'unspecified'
  | 'reserved';

/** In this order: the first that contains an address tells its kind. From the special-purpose registries of IANA. */
const ranges: readonly (readonly [AddressKind, readonly string[]])[] = [
  // Amazon, Google and most others; Amazon over IPv6; Google over IPv6; Alibaba; Oracle's old one; Azure's wire server.
  [
    'metadata',
    [
      '169.254.169.254/32',
      'fd00:ec2::254/128',
      'fd20:ce::254/128',
      '100.100.100.200/32',
      '192.0.0.192/32',
      '168.63.129.16/32',
    ],
  ],
  ['unspecified', ['0.0.0.0/8', '::/128']],
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['linkLocal', ['169.254.0.0/16', 'fe80::/10']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fec0::/10']],
  ['shared', ['100.64.0.0/10']],
  ['multicast', ['224.0.0.0/4', 'ff00::/8']],
  [
    'reserved',
    [
      '192.0.0.0/24',
      '192.0.2.0/24',
      '192.88.99.0/24',
      '198.18.0.0/15',
      '198.51.100.0/24',
      '203.0.113.0/24',
      '240.0.0.0/4',
      // Teredo, benchmarks, ORCHID and the like; documentation.
      '2001::/23',
      '2001:db8::/32',
      '3fff::/20',
    ],
  ],
];

const lists = ranges.map(([kind, cidrs]) => [kind, listOf(cidrs)] as const);

/** All that has been given out of IPv6. */
const unicast = listOf(['2000::/3']);

function listOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network = '', prefix] = cidr.split('/');
    list.addSubnet(network, Number(prefix), familyOf(network));
  }
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}

/**
 * The kind of an address. One of IPv6 that carries one of IPv4 (mapped, compatible, NAT64, 6to4) is of the kind of what
 * it carries. What is no address, or names a zone, is `reserved`.
 */
export function kindOf(address: string): AddressKind {
  if (isIP(address) === 0 || address.includes('%')) return 'reserved';
  const found = kindIn(address);
  if (found !== undefined) return found;
  if (isIPv4(address)) return 'public';
  const carried = carriedBy(address);
  if (carried !== undefined) return kindOf(carried);
  return unicast.check(address, 'ipv6') ? 'public' : 'reserved';
}

function kindIn(address: string): AddressKind | undefined {
  return lists.find(([, list]) => list.check(address, familyOf(address)))?.[0];
}

/** Where in an address of IPv6 one of IPv4 stands: the groups before it, and its first group. */
const carriers: readonly { readonly before: readonly number[]; readonly at: number }[] = [
  { before: [0, 0, 0, 0, 0, 0xff_ff], at: 6 },
  { before: [0, 0, 0, 0, 0, 0], at: 6 },
  { before: [0, 0, 0, 0, 0xff_ff, 0], at: 6 },
  { before: [0x64, 0xff_9b, 0, 0, 0, 0], at: 6 },
  { before: [0x20_02], at: 1 },
];

/** The address of IPv4 that one of IPv6 carries, as dotted decimals. */
function carriedBy(address: string): string | undefined {
  const groups = groupsOf(address);
  const carrier = carriers.find(({ before }) => before.every((group, index) => groups[index] === group));
  if (carrier === undefined) return undefined;
  const [high = 0, low = 0] = groups.slice(carrier.at);
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}

/** The eight groups of a valid address of IPv6. */
function groupsOf(address: string): readonly number[] {
  const [before = [], after = []] = address.split('::').map(groupsIn);
  const missing = 8 - before.length - after.length;
  return [...before, ...Array.from({ length: missing }, () => 0), ...after];
}

function groupsIn(part: string): readonly number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** A range of addresses, as a list of allowed hosts names it. */
export interface AddressRange {
  contains(address: string): boolean;
}

/**
 * Reads an address, or a range such as `10.0.0.0/8` or `fd00::/8`.
 *
 * A range of IPv4 contains the mapped forms of its addresses too (`::ffff:10.0.0.1`): they are the same. It does not
 * contain those of NAT64 and 6to4, which are reached by another way.
 */
export function parseRange(text: string): AddressRange | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0) return undefined;
  const longest = family === 4 ? 32 : 128;
  const length = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (!(length <= longest)) return undefined;
  const list = new BlockList();
  list.addSubnet(address, length, familyOf(address));
  return Object.freeze({
    contains: (one: string) => isIP(one) !== 0 && !one.includes('%') && list.check(one, familyOf(one)),
  });
}
