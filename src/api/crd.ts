import { z } from 'zod';

import { leaseSpec, leaseStatus } from './dynamic-secret-lease.ts';
import { clusterConnectionSpec } from './cluster-connection.ts';
import { dynamicSecretSpec, dynamicSecretStatus } from './dynamic-secret.ts';
import { connectionSpec, connectionStatus } from './infisical-connection.ts';
import { GROUP, VERSION } from './names.ts';

/** A JSON object, as YAML and the Kubernetes API have it. */
export interface JsonObject {
  [key: string]: unknown;
}

interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description?: string;
  readonly priority?: number;
}

interface Kind {
  readonly kind: string;
  /** Default: Namespaced. */
  readonly scope?: 'Cluster';
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  /** CEL rules about the object as a whole. */
  readonly rules: readonly JsonObject[];
  readonly columns: readonly PrinterColumn[];
}

const age: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

const ready = (field: 'status' | 'reason' | 'message'): string =>
  `.status.conditions[?(@.type=="Ready")].${field}`;

/** The name of the Secret that an object (`self` or `oldSelf`) speaks of. */
const secretName = (self: string): string =>
  `(has(${self}.spec.secret) && has(${self}.spec.secret.name) ? ${self}.spec.secret.name : ${self}.metadata.name)`;

/** Its type. */
const secretType = (self: string): string =>
  `(has(${self}.spec.secret) && has(${self}.spec.secret.type) ? ${self}.spec.secret.type : 'Opaque')`;

/** That a field of the spec never changes, and why not. */
const immutable = (field: string, why: string): JsonObject => ({
  rule: `self.spec.${field} == oldSelf.spec.${field}`,
  message: `${field} is immutable: ${why}`,
  fieldPath: `.spec.${field}`,
});

const ANOTHER = 'create another DynamicSecret for another place';

/** What both kinds of connection show. */
const connectionColumns: readonly PrinterColumn[] = [
  { name: 'Ready', type: 'string', jsonPath: ready('status') },
  { name: 'Reason', type: 'string', jsonPath: ready('reason') },
  { name: 'Host', type: 'string', jsonPath: '.status.host' },
  { name: 'Method', type: 'string', jsonPath: '.status.method' },
  { name: 'Objects', type: 'integer', jsonPath: '.status.served' },
  { name: 'LastLogin', type: 'string', jsonPath: '.status.lastLogin.at' },
  age,
  { name: 'SessionEnds', type: 'string', jsonPath: '.status.sessionEnds', priority: 1 },
  { name: 'Message', type: 'string', jsonPath: ready('message'), priority: 1 },
];

/** The kinds of this API: one row each, from which the CRDs are made. */
export const kinds: readonly Kind[] = [
  {
    kind: 'DynamicSecretLease',
    plural: 'dynamicsecretleases',
    singular: 'dynamicsecretlease',
    shortNames: ['dsl'],
    description:
      'Asks for a short-lived credential of a dynamic secret and keeps it in a Secret: leased, replaced before it ends, revoked when no longer needed.',
    spec: leaseSpec,
    status: leaseStatus,
    rules: [
      {
        rule: `${secretType('self')} == ${secretType('oldSelf')} || ${secretName('self')} != ${secretName('oldSelf')}`,
        message:
          'secret.type is immutable for a Secret of one name: give one of another type another secret.name',
        fieldPath: '.spec.secret.type',
      },
    ],
    columns: [
      { name: 'Ready', type: 'string', jsonPath: ready('status') },
      { name: 'Reason', type: 'string', jsonPath: ready('reason') },
      { name: 'Secret', type: 'string', jsonPath: '.status.secret.name' },
      { name: 'Expires', type: 'string', jsonPath: '.status.lease.expireAt' },
      { name: 'Rotates', type: 'string', jsonPath: '.status.rotateAt' },
      age,
      { name: 'Message', type: 'string', jsonPath: ready('message'), priority: 1 },
    ],
  },
  {
    kind: 'DynamicSecret',
    plural: 'dynamicsecrets',
    singular: 'dynamicsecret',
    shortNames: ['dynsec'],
    description:
      'A dynamic secret of an Infisical server, kept there as it is declared here: made, updated, renamed, and removed with this object.',
    spec: dynamicSecretSpec,
    status: dynamicSecretStatus,
    rules: [
      immutable('projectSlug', ANOTHER),
      immutable('environmentSlug', ANOTHER),
      immutable('path', ANOTHER),
      immutable('provider.type', 'create another DynamicSecret for another type'),
    ],
    columns: [
      { name: 'Ready', type: 'string', jsonPath: ready('status') },
      { name: 'Reason', type: 'string', jsonPath: ready('reason') },
      { name: 'Name', type: 'string', jsonPath: '.status.place.name' },
      { name: 'Type', type: 'string', jsonPath: '.spec.provider.type' },
      { name: 'DefaultTTL', type: 'string', jsonPath: '.spec.defaultTTL' },
      { name: 'Users', type: 'integer', jsonPath: '.status.users' },
      age,
      { name: 'Message', type: 'string', jsonPath: ready('message'), priority: 1 },
    ],
  },
  {
    kind: 'InfisicalConnection',
    plural: 'infisicalconnections',
    singular: 'infisicalconnection',
    shortNames: ['infisical'],
    description: 'An Infisical server and the identity to use there, for the leases of its namespace.',
    spec: connectionSpec,
    status: connectionStatus,
    rules: [],
    columns: connectionColumns,
  },
  {
    kind: 'ClusterInfisicalConnection',
    scope: 'Cluster',
    plural: 'clusterinfisicalconnections',
    singular: 'clusterinfisicalconnection',
    shortNames: ['clusterinfisical'],
    description:
      "An Infisical server and the identity to use there, for the leases of the namespaces that it grants them to. Its credentials are in the operator's own namespace.",
    spec: clusterConnectionSpec,
    status: connectionStatus,
    rules: [],
    columns: connectionColumns,
  },
];

/** The CustomResourceDefinition of a kind. */
export function customResourceDefinition(kind: Kind): JsonObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: kind.scope ?? 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        shortNames: kind.shortNames,
        categories: ['leaseholder'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: kind.columns,
          schema: { openAPIV3Schema: objectSchema(kind) },
        },
      ],
    },
  };
}

function objectSchema(kind: Kind): JsonObject {
  const schema: JsonObject = {
    type: 'object',
    description: kind.description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: structural(kind.spec),
      status: {
        ...structural(kind.status),
        // GitOps tools wait while observedGeneration is behind; -1 keeps them waiting for an object nobody has looked at.
        default: { observedGeneration: -1 },
        // One writer has all of it: the API server need not keep account of each field (docs/adr/0015).
        'x-kubernetes-map-type': 'atomic',
      },
    },
  };
  return kind.rules.length === 0 ? schema : { ...schema, 'x-kubernetes-validations': kind.rules };
}

/** The structural schema of a zod schema: what goes in, with the rules of Kubernetes about what a schema may say. */
export function structural(schema: z.ZodType): JsonObject {
  return tidy(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }) as JsonObject);
}

const PRESERVE = 'x-kubernetes-preserve-unknown-fields';

/** Removes what Kubernetes refuses or drops: `additionalProperties` beside `properties`, empty `properties`, and the bounds that zod adds to integers. */
function tidy(node: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(node)) {
    if (!isRefused(node, key, value)) result[key] = tidyValue(key, value);
  }
  return node['type'] === 'integer' ? { ...result, format: 'int64' } : result;
}

function isRefused(node: JsonObject, key: string, value: unknown): boolean {
  // The API server drops an empty one, so that each further apply would seem to change something.
  if (key === 'properties') return isObject(value) && Object.keys(value).length === 0;
  if (key === 'additionalProperties') return !isObject(value) || 'properties' in node || PRESERVE in node;
  return (key === 'minimum' || key === 'maximum') && isSafeIntegerBound(value);
}

function tidyValue(key: string, value: unknown): unknown {
  if (key === 'properties' && isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, child]) => [name, isObject(child) ? tidy(child) : child]),
    );
  }
  if ((key === 'items' || key === 'additionalProperties') && isObject(value)) return tidy(value);
  return value;
}

function isSafeIntegerBound(value: unknown): boolean {
  return value === Number.MAX_SAFE_INTEGER || value === Number.MIN_SAFE_INTEGER;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
