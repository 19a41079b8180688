import { z } from 'zod';

import { parseAsked } from '../api/asked.ts';
import { clusterConnectionSpec } from '../api/cluster-connection.ts';
import { dynamicSecretSpec, dynamicSecretStatus } from '../api/dynamic-secret.ts';
import { leaseSpec, leaseStatus } from '../api/dynamic-secret-lease.ts';
import { keyed } from '../api/keyed.ts';
import { connectionSpec, connectionStatus } from '../api/infisical-connection.ts';
import {
  ASKED_ANNOTATION,
  DYNAMIC_SECRET_FINALIZER,
  FINALIZER,
  FORCE_DELETE_ANNOTATION,
  ROTATE_ANNOTATION,
} from '../api/names.ts';
import { MOST_ROTATE } from '../api/record.ts';
import { objectMeta, type ObjectMeta } from '../api/object.ts';
import { shardOf } from '../api/shard.ts';
import { sharedText, withSharedTexts } from '../api/shared-text.ts';
import { fault, type Fault } from '../errors.ts';
import { parseInstant } from '../instant.ts';
import { objectKey } from '../kube/object-key.ts';
import type {
  ConnectionRecord,
  DynamicSecretRecord,
  Identified,
  LeaseRecord,
  NamespaceRecord,
  SecretRecord,
} from './ports.ts';

/**
 * What the operator keeps of an object, made from the API server's own JSON. A spec that the API server accepted and
 * this version cannot read (an older CRD, a disabled rule) becomes a fault that names the field; a status that cannot
 * be read counts as empty and is rebuilt.
 *
 * @param known what is kept of the object so far: the spec of the same generation is the same, and is not read again.
 * @throws ZodError when even the metadata is not that of an object.
 */
export function leaseRecord(
  raw: unknown,
  known: (key: string) => LeaseRecord | undefined = () => undefined,
): LeaseRecord {
  const { metadata, spec, status } = envelope.parse(raw);
  const identity = identityOf(metadata);
  const before = known(identity.key);
  const isSameSpec = before?.uid === metadata.uid && before.generation === metadata.generation;
  return {
    ...identity,
    generation: metadata.generation,
    shard: shardOf(metadata.labels),
    createdAt: parseInstant(metadata.creationTimestamp) ?? 0,
    deletedAt: parseInstant(metadata.deletionTimestamp),
    finalizers: metadata.finalizers,
    rotate: rotateOf(metadata),
    asked: parseAsked(metadata.annotations[ASKED_ANNOTATION]),
    hasFinalizer: metadata.finalizers.includes(FINALIZER),
    spec: isSameSpec ? before.spec : read(leaseSpec, spec, refuseSpec),
    status: withSharedTexts(leaseStatus.safeParse(status ?? {}).data ?? {}),
  };
}

function refuseSpec(field: string, rule: string): Fault {
  return fault('InvalidSpec', { field, rule });
}

/** An empty value asks for nothing. */
function rotateOf({ annotations }: ObjectMeta): string | undefined {
  const value = annotations[ROTATE_ANNOTATION];
  return value === undefined || value === '' ? undefined : value.slice(0, MOST_ROTATE);
}

/** As {@link leaseRecord}, for a DynamicSecret. */
export function dynamicSecretRecord(raw: unknown): DynamicSecretRecord {
  const { metadata, spec, status } = envelope.parse(raw);
  return {
    ...identityOf(metadata),
    shard: shardOf(metadata.labels),
    generation: metadata.generation,
    deletedAt: parseInstant(metadata.deletionTimestamp),
    finalizers: metadata.finalizers,
    hasFinalizer: metadata.finalizers.includes(DYNAMIC_SECRET_FINALIZER),
    forced: metadata.annotations[FORCE_DELETE_ANNOTATION] === 'true',
    spec: read(dynamicSecretSpec, spec, refuseSpec),
    status: dynamicSecretStatus.safeParse(status ?? {}).data ?? {},
  };
}

function refuseConnection(field: string, rule: string): Fault {
  return fault('ConnectionInvalid', { field, rule });
}

/** As {@link leaseRecord}, for a connection of either kind: that of the cluster is in no namespace. */
export function connectionRecord(raw: unknown): ConnectionRecord {
  const { metadata, spec, status } = envelope.parse(raw);
  const common = {
    ...identityOf(metadata),
    shard: shardOf(metadata.labels),
    generation: metadata.generation,
    deletedAt: parseInstant(metadata.deletionTimestamp),
    finalizers: metadata.finalizers,
    status: connectionStatus.safeParse(status ?? {}).data ?? {},
  };
  if (metadata.namespace !== '') {
    return {
      ...common,
      kind: 'InfisicalConnection',
      spec: read(connectionSpec, spec, refuseConnection),
      grants: [],
    };
  }
  const declared = read(clusterConnectionSpec, spec, refuseConnection);
  const kind = 'ClusterInfisicalConnection';
  if (!declared.valid) return { ...common, kind, spec: declared, grants: [] };
  // Apart from the rest: another grant is not another server or identity, and must not cost the session.
  const { grants = [], ...value } = declared.value;
  return { ...common, kind, spec: { valid: true, value }, grants };
}

export function namespaceRecord(raw: unknown): NamespaceRecord {
  const { name, uid, resourceVersion, labels, deletionTimestamp } = envelope.parse(raw).metadata;
  return { key: name, uid, resourceVersion, labels, terminating: deletionTimestamp !== undefined };
}

/** A Secret's metadata; whatever else the JSON holds is not looked at. */
export function secretRecord(raw: unknown): SecretRecord {
  const { metadata } = secretEnvelope.parse(raw);
  const { labels, annotations } = metadata;
  const owners = metadata.ownerReferences.map((owner) => sharedText(owner.uid));
  const controller = metadata.ownerReferences.findIndex((owner) => owner.controller);
  const terminating = metadata.deletionTimestamp !== undefined;
  return {
    ...identityOf(metadata),
    labels,
    annotations,
    owners,
    controller: owners[controller],
    terminating,
  };
}

/** A Secret that exists and may not be looked at: nobody's, as far as anybody here can tell. */
export function hiddenSecret(namespace: string, name: string): SecretRecord {
  return {
    key: objectKey(namespace, name),
    namespace,
    name,
    uid: '',
    resourceVersion: '',
    labels: {},
    annotations: {},
    owners: [],
    controller: undefined,
    terminating: false,
    hidden: true,
  };
}

const envelope = z.object({
  metadata: objectMeta,
  spec: z.unknown().optional(),
  status: z.unknown().optional(),
});

const secretEnvelope = z.object({
  metadata: objectMeta.extend({
    // What a dry run would have created has none.
    resourceVersion: z.string().default(''),
    ownerReferences: z
      .array(z.object({ uid: z.string(), controller: z.boolean().default(false) }))
      .default([]),
  }),
});

function identityOf({ namespace, name, uid, resourceVersion }: ObjectMeta): Identified {
  return { key: objectKey(namespace, name), namespace, name, uid: sharedText(uid), resourceVersion };
}

type Spec<Value> =
  { readonly valid: true; readonly value: Value } | { readonly valid: false; readonly fault: Fault };

function read<Schema extends z.ZodType>(
  schema: Schema,
  raw: unknown,
  refuse: (field: string, rule: string) => Fault,
): Spec<z.infer<Schema>> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return { valid: true, value: parsed.data };
  const issue = parsed.error.issues[0];
  const field = ['spec', ...(issue?.path ?? []).map(String)].join('.');
  // A rule of our own is a sentence; zod's own messages may quote what was given.
  return {
    valid: false,
    fault: refuse(field, issue?.code === 'custom' ? issue.message : 'is not what this version accepts'),
  };
}

/** What a Secret or a ConfigMap holds. */
export const objectData = z.object({ data: keyed(z.string()).optional() });
