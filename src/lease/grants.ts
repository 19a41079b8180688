import type { Grant } from '../api/cluster-connection.ts';
import { selects } from '../api/label-selector.ts';
import type { Target } from '../api/lease.ts';

/** Who asks: a namespace, with its labels; while they are unknown no selector selects it, not even by what it lacks. */
export interface Grantee {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>> | undefined;
}

/** What a grant must cover, in the order in which it is looked at: to lease, and to declare what is leased. */
const parts = {
  lease: ['namespace', 'project', 'environment', 'path'],
  manage: ['namespace', 'project', 'environment', 'path', 'manage'],
} as const;

/** What somebody wants to do with a target. */
export type GrantUse = keyof typeof parts;

export type GrantPart = (typeof parts)[GrantUse][number];

/**
 * Whether one of the grants covers a target for a namespace. One grant must cover all of it: a project from one and a
 * path from another grant nothing. Without grants nothing is granted.
 *
 * @param use default: to lease. Who may manage may lease, not the other way round.
 * @returns undefined when it is granted; else the part that the grant which comes closest does not cover: `manage`
 *   where it covers all but that.
 */
export function lackingGrant(
  grants: readonly Grant[],
  grantee: Grantee,
  target: Target,
  use: GrantUse = 'lease',
): GrantPart | undefined {
  const wanted: readonly GrantPart[] = parts[use];
  const reached = grants.map((grant) => {
    const lacking = wanted.findIndex((part) => !covers[part](grant, grantee, target));
    return lacking === -1 ? wanted.length : lacking;
  });
  return wanted[Math.max(0, ...reached)];
}

type Covers = (grant: Grant, grantee: Grantee, target: Target) => boolean;

const covers: Readonly<Record<GrantPart, Covers>> = {
  namespace: ({ namespaces = [], namespaceSelector }, { namespace, labels }) =>
    namespaces.includes(namespace) ||
    (namespaceSelector !== undefined && labels !== undefined && selects(namespaceSelector, labels)),
  project: ({ projects }, _grantee, { projectSlug }) => projects?.includes(projectSlug) ?? true,
  environment: ({ environments }, _grantee, { environmentSlug }) =>
    environments?.includes(environmentSlug) ?? true,
  path: ({ pathPrefixes }, _grantee, { path }) =>
    pathPrefixes?.some((prefix) => isWithin(path, prefix)) ?? true,
  manage: ({ manage = false }) => manage,
};

/** By whole folders: /teams is not in /team. */
function isWithin(path: string, prefix: string): boolean {
  return prefix === '/' || path === prefix || path.startsWith(`${prefix}/`);
}
