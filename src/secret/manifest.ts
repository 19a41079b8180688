import { API_VERSION, MANAGED_LABEL, MANAGED_VALUE, RECORD_ANNOTATION } from '../api/names.ts';
import { formatRecord, type SecretRecord } from '../api/record.ts';
import type { SecretType } from '../api/secret-shape.ts';
import { SHARD_LABEL, shardLabels, type Shard } from '../api/shard.ts';

/** The object that a Secret belongs to. */
export interface Owner {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

/** Labels and annotations that the spec asks for, and the shard of the object. */
export interface Dress {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly shard?: Shard;
}

/** The labels of a Secret: the spec's, and ours, which leave the spec's no choice. */
function labelsOf({ labels, shard }: Dress): Readonly<Record<string, string>> {
  return { ...labels, [MANAGED_LABEL]: MANAGED_VALUE, ...shardLabels(shard) };
}

/** One operation of a JSON Patch (RFC 6902). */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/** A Secret's metadata, as far as a write must know it. */
export interface ExistingMetadata {
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What one write puts into a Secret. Credentials and record always travel together (I3). */
export interface Content {
  readonly data: ReadonlyMap<string, string>;
  readonly record: SecretRecord;
}

/** The record of a write, with the keys of the labels and annotations that go with it. */
export function dressedRecord(
  record: Omit<SecretRecord, 'labels' | 'annotations'>,
  dress: Dress,
): SecretRecord {
  const [labels, annotations] = [Object.keys(dress.labels), Object.keys(dress.annotations)];
  return {
    ...record,
    ...(labels.length === 0 ? {} : { labels }),
    ...(annotations.length === 0 ? {} : { annotations }),
  };
}

/** The Secret as it is created. The owner reference is a backstop: deletion is explicit, and does not block. */
export function newSecret(
  { name, type }: { readonly name: string; readonly type: SecretType },
  owner: Owner,
  dress: Dress,
  content: Content,
): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: owner.namespace,
      labels: labelsOf(dress),
      annotations: { ...dress.annotations, [RECORD_ANNOTATION]: formatRecord(content.record) },
      ownerReferences: [ownerReference(owner)],
    },
    type,
    data: encoded(content.data),
  };
}

function ownerReference({ name, uid }: Owner): object {
  return { apiVersion: API_VERSION, kind: 'DynamicSecretLease', name, uid, controller: true };
}

/** A Secret's metadata, as far as it tells whose it is. */
export interface OwnedMetadata extends ExistingMetadata {
  readonly owners: readonly string[];
  readonly controller: string | undefined;
}

/**
 * The guarded change by which an object takes over a Secret: all of {@link changedSecret}, and the owner reference. One of
 * another type cannot be had: Kubernetes changes no type, and refuses (422).
 */
export function takenSecret(
  existing: OwnedMetadata,
  { type, owner }: { readonly type: SecretType; readonly owner: Owner },
  dress: Dress,
  content: Content,
): readonly PatchOperation[] {
  const { owners, controller } = existing;
  const former = controller === undefined ? -1 : owners.indexOf(controller);
  const path = '/metadata/ownerReferences';
  const handOver: readonly PatchOperation[] =
    owners.length === 0
      ? [{ op: 'add', path, value: [ownerReference(owner)] }]
      : [
          { op: 'add', path: `${path}/-`, value: ownerReference(owner) },
          ...(former < 0 ? [] : [{ op: 'remove', path: `${path}/${String(former)}` } as const]),
        ];
  // What another object's record says of its labels goes with it.
  return [
    ...changedSecret(existing, undefined, dress, content),
    { op: 'replace', path: '/type', value: type },
    ...handOver,
  ];
}

/**
 * The guarded change by which an object lets its Secret go and leaves it there: without label, record and owner reference
 * nobody looks after it any more.
 */
export function releasedSecret(existing: OwnedMetadata, uid: string): readonly PatchOperation[] {
  const { labels, annotations, owners, resourceVersion } = existing;
  const index = owners.indexOf(uid);
  const removals = [
    ...[MANAGED_LABEL, SHARD_LABEL]
      .filter((label) => label in labels)
      .map((label) => `/metadata/labels/${pointer(label)}`),
    ...(RECORD_ANNOTATION in annotations ? [`/metadata/annotations/${pointer(RECORD_ANNOTATION)}`] : []),
    ...(index < 0 ? [] : [`/metadata/ownerReferences/${String(index)}`]),
  ];
  return [
    { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
    ...removals.map((path): PatchOperation => ({ op: 'remove', path })),
  ];
}

/**
 * The guarded change of a Secret that is ours: 409 when it is not the one that was looked at (a `test` would answer
 * 422), the whole data, our own label, record, and the spec's labels and annotations one by one, so that what others
 * put there stays.
 */
export function changedSecret(
  existing: ExistingMetadata,
  earlier: SecretRecord | undefined,
  dress: Dress,
  content: Content,
): readonly PatchOperation[] {
  return [
    ...dressing(existing, earlier, dress, content.record),
    { op: 'add', path: '/data', value: encoded(content.data) },
  ];
}

/** The guarded change of labels and annotations alone; the credentials stay as they are. */
export function dressing(
  existing: ExistingMetadata,
  earlier: SecretRecord | undefined,
  dress: Dress,
  record: SecretRecord,
): readonly PatchOperation[] {
  const labels = labelsOf(dress);
  const annotations = { ...dress.annotations, [RECORD_ANNOTATION]: formatRecord(record) };
  return [
    { op: 'replace', path: '/metadata/resourceVersion', value: existing.resourceVersion },
    ...mapOperations('/metadata/labels', existing.labels, labels, earlierLabels(earlier)),
    ...mapOperations('/metadata/annotations', existing.annotations, annotations, earlier?.annotations ?? []),
  ];
}

/** Whether a Secret carries the labels and annotations of the spec, and none of those that it asked for before. */
export function isDressed(
  existing: ExistingMetadata,
  record: SecretRecord | undefined,
  dress: Dress,
): boolean {
  const pairs = [
    [existing.labels, labelsOf(dress), earlierLabels(record)],
    [existing.annotations, dress.annotations, record?.annotations],
  ] as const;
  return pairs.every(
    ([there, wanted, earlier]) =>
      Object.entries(wanted).every(([key, value]) => there[key] === value) &&
      (earlier ?? []).every((key) => Object.hasOwn(wanted, key) || !Object.hasOwn(there, key)),
  );
}

/** The labels that a Secret may have from before: those of the record, and that of the shard which it has come from. */
function earlierLabels(record: SecretRecord | undefined): readonly string[] {
  return [...(record?.labels ?? []), SHARD_LABEL];
}

function mapOperations(
  path: string,
  there: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
  earlier: readonly string[],
): readonly PatchOperation[] {
  // JSON Patch cannot add a key to a map that is not there, and Kubernetes leaves empty ones out.
  if (Object.keys(there).length === 0) return [{ op: 'add', path, value: wanted }];
  const changed = Object.entries(wanted).filter(([key, value]) => there[key] !== value);
  const dropped = earlier.filter((key) => !Object.hasOwn(wanted, key) && Object.hasOwn(there, key));
  return [
    ...changed.map(([key, value]): PatchOperation => ({ op: 'add', path: `${path}/${pointer(key)}`, value })),
    ...dropped.map((key): PatchOperation => ({ op: 'remove', path: `${path}/${pointer(key)}` })),
  ];
}

/** A key as a token of a JSON Pointer (RFC 6901). */
function pointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function encoded(data: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries([...data].map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
}
