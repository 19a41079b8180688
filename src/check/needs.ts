import { GROUP } from '../api/names.ts';

/** Where a right is needed. */
export type Place =
  /** In each namespace that is looked after; with all of them: everywhere. */
  | 'objects'
  /** Once, and only where all namespaces are looked after. */
  | 'cluster'
  /** On the namespace kube-system, where no --installation-id is given. */
  | 'installation'
  /** On the Lease of the election, where one is held. */
  | 'election'
  /** With `--nudge-pods on`. */
  | 'nudge';

/** A right that the operator needs, as deploy/rbac.yaml grants it. */
export interface Need {
  readonly group: string;
  /** With its subresource: `dynamicsecretleases/status`. */
  readonly resource: string;
  readonly verbs: readonly string[];
  readonly place: Place;
  /** What does not work without it. */
  readonly why: string;
}

const objects = 'objects cannot be watched, and no finalizer added or dropped';
const report = 'no status can be written';

/**
 * Everything that the operator asks of the Kubernetes API. Rights for restarts are bound where they are wanted.
 *
 * @param strict whether no Secret is to be read: then Secrets are patched and deleted by granted names, which are not asked
 *   for here.
 */
export function needsOf(strict: boolean): readonly Need[] {
  if (!strict) return needs;
  return needs.map((need) => (need.resource === 'secrets' ? { ...need, verbs: ['create'] } : need));
}

const needs: readonly Need[] = [
  ...['dynamicsecretleases', 'dynamicsecrets', 'infisicalconnections'].flatMap((resource): Need[] => [
    { group: GROUP, resource, verbs: ['get', 'list', 'watch', 'patch'], place: 'objects', why: objects },
    { group: GROUP, resource: `${resource}/status`, verbs: ['patch'], place: 'objects', why: report },
  ]),
  {
    group: GROUP,
    resource: 'clusterinfisicalconnections',
    verbs: ['get', 'list', 'watch', 'patch'],
    place: 'cluster',
    why: objects,
  },
  {
    group: GROUP,
    resource: 'clusterinfisicalconnections/status',
    verbs: ['patch'],
    place: 'cluster',
    why: report,
  },
  {
    group: '',
    resource: 'secrets',
    verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
    place: 'objects',
    why: 'no Secret can be filled, watched or removed, and no credential read',
  },
  {
    group: '',
    resource: 'configmaps',
    verbs: ['get'],
    place: 'objects',
    why: 'CAs in ConfigMaps cannot be read',
  },
  {
    group: 'events.k8s.io',
    resource: 'events',
    verbs: ['create', 'patch'],
    place: 'objects',
    why: 'no events are written, or repetitions not counted',
  },
  {
    group: '',
    resource: 'namespaces',
    verbs: ['list', 'watch'],
    place: 'cluster',
    why: 'grants by the labels of namespaces do not work',
  },
  {
    group: '',
    resource: 'namespaces',
    verbs: ['get'],
    place: 'installation',
    why: 'the operator does not start without --installation-id',
  },
  {
    group: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['create', 'get', 'patch'],
    place: 'election',
    why: 'no replica is elected',
  },
  {
    group: '',
    resource: 'pods',
    verbs: ['list', 'watch', 'patch'],
    place: 'nudge',
    why: 'pods are not nudged',
  },
];
