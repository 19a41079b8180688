import type { ZodError } from 'zod';

import { API_VERSION, ADOPT_ANNOTATION } from '../api/names.ts';
import { connectionSpec } from '../api/infisical-connection.ts';
import { leaseSpec } from '../api/dynamic-secret-lease.ts';
import { convertConnection } from './connection.ts';
import { findings, type Findings } from './findings.ts';
import { convertLease } from './lease.ts';
import { sourceObject, sourceSpec, type SourceObject, type SourceSpec } from './source.ts';

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
  const told = findings();
  const { secretNamespace: namespace } = read.data.managedSecretReference;
  if (namespace !== metadata.namespace)
    told.note(
      `The lease is in ${namespace}, where its Secret is: an object has its Secret in its own namespace.`,
    );
  const connection = convertConnection(read.data, namespace, told);
  const identity = `${namespace} ${JSON.stringify(connection)}`;
  const known = connections.get(identity);
  const lease = convertLease(read.data, known ?? metadata.name, slugOf, told);
  if (told.faults.length === 0) {
    refuse(connectionSpec.safeParse(connection), told);
    refuse(leaseSpec.safeParse(lease), told);
  }
  if (told.faults.length > 0) return { object, manifests: [], notes: [], faults: told.faults };
  connections.set(identity, known ?? metadata.name);
  told.note(offerOf(read.data, metadata.name));
  const place = { name: metadata.name, namespace };
  const own: Manifest = { apiVersion: API_VERSION, kind: 'DynamicSecretLease', metadata: place, spec: lease };
  const way: Manifest = {
    apiVersion: API_VERSION,
    kind: 'InfisicalConnection',
    metadata: place,
    spec: connection,
  };
  return { object, manifests: known === undefined ? [way, own] : [own], notes: told.notes, faults: [] };
}

/**
 * How the Secret is offered. One that the old object owns would be deleted with that object, and is nobody else's for as long as
 * it names it; so the owner goes in the same step.
 */
function offerOf({ managedSecretReference: from }: SourceSpec, name: string): string {
  const { secretName, secretNamespace, creationPolicy } = from;
  const where = `kubectl -n ${secretNamespace}`;
  if (creationPolicy !== 'Owner') return `${where} annotate secret ${secretName} ${ADOPT_ANNOTATION}=${name}`;
  const change = { metadata: { ownerReferences: null, annotations: { [ADOPT_ANNOTATION]: name } } };
  return `${where} patch secret ${secretName} --type=merge -p '${JSON.stringify(change)}'`;
}

/** A value that its own schema refuses: the object said something that leaseholder does not take. */
function refuse(parsed: { readonly error?: ZodError | undefined }, told: Findings): void {
  const issue = parsed.error?.issues[0];
  if (issue === undefined) return;
  const field = ['spec', ...issue.path].map(String).join('.');
  told.fault(
    `${field} of the new object ${issue.code === 'custom' ? issue.message : 'is not what leaseholder takes'}.`,
  );
}

function unknownField(error: ZodError): string {
  const issue = error.issues[0];
  const extra = issue?.code === 'unrecognized_keys' ? issue.keys : [];
  const field = ['spec', ...(issue?.path ?? []), ...extra.slice(0, 1)].map(String).join('.');
  return `${field} is not what an InfisicalDynamicSecret has.`;
}
