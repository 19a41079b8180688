import type { ZodError } from 'zod';

import { API_VERSION, ADOPT_ANNOTATION } from '../api/names.ts';
import { connectionSpec } from '../api/infisical-connection.ts';
import { leaseSpec } from '../api/dynamic-secret-lease.ts';
import { convertConnection } from './connection.ts';
import { convertLease } from './lease.ts';
import { sourceObject, sourceSpec, type SourceObject } from './source.ts';

/** A manifest that is to be applied. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: 'InfisicalConnection' | 'DynamicSecretLease';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: object;
}

/** What one object comes to. */
export interface Migration {
  /** Namespace and name, as the object has them. */
  readonly object: string;
  /** What it becomes; none where something stands in the way. */
  readonly manifests: readonly Manifest[];
  /** What a person has to know or do. */
  readonly notes: readonly string[];
  /** What stands in the way. */
  readonly faults: readonly string[];
}

/**
 * Converts the InfisicalDynamicSecrets among some objects. Connections that say the same are one: the first name stays.
 *
 * @param slugOf the slug of a project by its id.
 */
export function migrate(
  objects: readonly unknown[],
  slugOf: (projectId: string) => string | undefined,
): readonly Migration[] {
  const connections = new Map<string, string>();
  return objects.flatMap((object) => {
    const read = sourceObject.safeParse(object);
    return read.success ? [migrateOne(read.data, slugOf, connections)] : [];
  });
}

function migrateOne(
  { metadata, spec: raw }: SourceObject,
  slugOf: (projectId: string) => string | undefined,
  connections: Map<string, string>,
): Migration {
  const object = `${metadata.namespace}/${metadata.name}`;
  const read = sourceSpec.safeParse(raw);
  if (!read.success) return { object, manifests: [], notes: [], faults: [unknownField(read.error)] };
  const namespace = read.data.managedSecretReference.secretNamespace;
  const connection = convertConnection(read.data, namespace);
  const identity = `${namespace} ${JSON.stringify(connection.value)}`;
  const known = connections.get(identity);
  const name = known ?? metadata.name;
  const lease = convertLease(read.data, name, slugOf);
  const faults = [
    ...connection.faults,
    ...lease.faults,
    ...refusalOf(connectionSpec.safeParse(connection.value), connection.value),
    ...refusalOf(leaseSpec.safeParse(lease.value), lease.value),
  ];
  if (connection.value === undefined || lease.value === undefined || faults.length > 0)
    return { object, manifests: [], notes: [], faults };
  connections.set(identity, name);
  const make = (kind: Manifest['kind'], of: string, spec: object): Manifest => ({
    apiVersion: API_VERSION,
    kind,
    metadata: { name: of, namespace },
    spec,
  });
  const own = make('DynamicSecretLease', metadata.name, lease.value);
  return {
    object,
    manifests: known === undefined ? [make('InfisicalConnection', name, connection.value), own] : [own],
    notes: [
      ...(namespace === metadata.namespace
        ? []
        : [`The lease is in ${namespace}, where its Secret is: an object has its Secret in its own namespace.`]),
      ...connection.notes,
      ...lease.notes,
      `kubectl -n ${namespace} annotate secret ${read.data.managedSecretReference.secretName} ${ADOPT_ANNOTATION}=${metadata.name}`,
    ],
    faults: [],
  };
}

/** A value that its own schema refuses: the object said something that leaseholder does not take. */
function refusalOf(parsed: { success: boolean; error?: ZodError | undefined }, value: unknown): readonly string[] {
  if (value === undefined || parsed.success) return [];
  const issue = parsed.error?.issues[0];
  const field = ['spec', ...(issue?.path ?? []).map(String)].join('.');
  return [`${field} of the new object ${issue?.code === 'custom' ? issue.message : 'is not what leaseholder takes'}.`];
}

function unknownField(error: ZodError): string {
  const issue = error.issues[0];
  const extra = issue?.code === 'unrecognized_keys' ? issue.keys : [];
  const field = ['spec', ...(issue?.path ?? []), ...extra.slice(0, 1)].map(String).join('.');
  return `${field} is not what an InfisicalDynamicSecret has.`;
}
