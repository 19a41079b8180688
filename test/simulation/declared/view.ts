import { parseServerDuration } from '../../../src/api/duration.ts';
import type { DynamicSecretSpec } from '../../../src/api/dynamic-secret.ts';
import type { Target } from '../../../src/api/lease.ts';
import { OBJECT_METADATA_KEY } from '../../../src/api/names.ts';
import type { DynamicSecretRecord, LeaseRecord } from '../../../src/reconcile/ports.ts';
import { dynamicSecretRecord } from '../../../src/reconcile/records.ts';
import { standardTiming } from '../../../src/timing.ts';
import type { ApiObject, ApiServer } from '../../unit/reconcile/support/api-server.ts';
import type { DeclaredRow } from './row.ts';
import type { DeclaredServer } from './server.ts';

const records = new WeakMap<ApiObject, DynamicSecretRecord>();

/** A DynamicSecret, read. Objects of the server never change, so each is read once. */
export function declarationOf(object: ApiObject): DynamicSecretRecord {
  const known = records.get(object);
  if (known !== undefined) return known;
  const read = dynamicSecretRecord(object);
  records.set(object, read);
  return read;
}

export function declarationsOf(kube: ApiServer): readonly DynamicSecretRecord[] {
  return kube.list('dynamicSecrets').map(declarationOf);
}

/** The name of the DynamicSecret that a lease object refers to. */
export function refOf({ spec }: LeaseRecord): string | undefined {
  return spec.valid ? spec.value.dynamicSecretRef?.name : undefined;
}

export function readinessOf({ status }: DynamicSecretRecord): {
  readonly status: string;
  readonly reason: string;
} {
  return (
    status.conditions?.find(({ type }) => type === 'Ready') ?? { status: 'Unknown', reason: 'no condition' }
  );
}

/** Whether what a lease object refers to is not there, or is to go: nothing can be leased of it. */
export function lacksDeclaration(
  {
    kube,
    declared,
  }: { readonly kube: ApiServer; readonly declared: { readonly server: DeclaredServer } | undefined },
  lease: LeaseRecord,
): boolean {
  const name = refOf(lease);
  if (name === undefined) return false;
  const found = kube.find('dynamicSecrets', `${lease.namespace}/${name}`);
  if (found === undefined) return true;
  const { deletedAt, status } = declarationOf(found);
  if (deletedAt !== undefined || status.place === undefined) return true;
  const { name: dynamicSecret, ...folder } = status.place;
  return declared?.server.find({ ...folder, dynamicSecret }) === undefined;
}

/** What a spec names on the server. */
export function targetIn({ spec }: DynamicSecretRecord): Target | undefined {
  if (!spec.valid) return undefined;
  const { projectSlug, environmentSlug, path, name: dynamicSecret } = spec.value;
  return { projectSlug, environmentSlug, path, dynamicSecret };
}

/**
 * What a dynamic secret has that its declaration does not say, as words. What others changed counts only where the list call
 * would show it; what they change again and again is not set right more often than once an hour.
 */
export function differences(
  kube: ApiServer,
  { namespace, uid, spec }: DynamicSecretRecord,
  row: DeclaredRow,
  { keeps, hidden, now }: { readonly keeps: boolean; readonly hidden: boolean; readonly now: number },
): readonly string[] {
  if (!spec.valid) return [];
  const { inputsFrom = [], metadata = [] } = spec.value;
  const sources = inputsFrom.map(({ input, secretKeyRef }): [string, unknown] => {
    const secret = kube.find('secrets', `${namespace}/${secretKeyRef.name}`);
    return [input, Buffer.from(secret?.data?.[secretKeyRef.key] ?? '', 'base64').toString()];
  });
  const inputs = [...Object.entries(spec.value.provider.inputs), ...sources];
  const wrong = [
    ...shownDifferences(spec.value, row),
    ...(keeps
      ? keptDifferences(spec.value, [...metadata, { key: OBJECT_METADATA_KEY, value: uid }], row)
      : []),
    ...inputs
      .filter(([input, value]) => JSON.stringify(row.inputs[input]) !== JSON.stringify(value))
      .map(([input]) => `input ${input}`),
  ];
  return wrong.filter((one) => {
    if (row.isContested(one, now - standardTiming.rareBackoffCap)) return false;
    return !row.touched.has(one) || !(hidden || one.startsWith('input '));
  });
}

function shownDifferences({ name, defaultTTL, maxTTL }: DynamicSecretSpec, { shown }: DeclaredRow): string[] {
  return [
    ...(shown.name === name ? [] : ['name']),
    ...(sameTime(shown.defaultTTL, defaultTTL) ? [] : ['defaultTTL']),
    ...(sameTime(shown.maxTTL, maxTTL) ? [] : ['maxTTL']),
  ];
}

function keptDifferences(
  { usernameTemplate }: DynamicSecretSpec,
  metadata: readonly Entry[],
  { shown }: DeclaredRow,
): string[] {
  return [
    ...((shown.usernameTemplate ?? undefined) === usernameTemplate ? [] : ['usernameTemplate']),
    ...(sameEntries(shown.metadata ?? [], metadata) ? [] : ['metadata']),
  ];
}

function sameTime(one: string | null | undefined, other: string | null | undefined): boolean {
  return parseServerDuration(one) === parseServerDuration(other);
}

interface Entry {
  readonly key: string;
  readonly value: string;
}

function sameEntries(one: readonly Entry[], other: readonly Entry[]): boolean {
  const text = (entries: readonly Entry[]): string =>
    entries
      .map(({ key, value }) => `${key}=${value}`)
      .toSorted()
      .join();
  return text(one) === text(other);
}
