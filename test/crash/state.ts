import { createHash } from 'node:crypto';
import { z } from 'zod';

import { ASKED_ANNOTATION, RECORD_ANNOTATION } from '../../src/api/names.ts';
import { objectMeta } from '../../src/api/object.ts';
import { digestOf } from '../../src/secret/render.ts';
import type { ServerKind } from '../support/server-kind.ts';
import { plainly } from './plain.ts';
import { ownerOf, ownerOfStep, type LiveLease, type ObjectName } from './tenant.ts';

/** All that a process which starts now can find, and how far the life has come. Objects: the API server's own JSON. */
export interface World {
  readonly server: ServerKind;
  /** What the life has reached. */
  readonly steps: readonly string[];
  /** In a fixed order; undefined where there is none. */
  readonly objects: readonly {
    readonly name: ObjectName;
    readonly lease: unknown;
    readonly secret: unknown;
  }[];
  readonly connection: unknown;
  /** The leases that live on the server. */
  readonly live: readonly LiveLease[];
  /** The passwords that were issued, by lease. */
  readonly issued: ReadonlyMap<string, string>;
  /** What is called otherwise in each life, such as its namespace, and what it is called here. */
  readonly names: Readonly<Record<string, string>>;
}

/** A world without its names and times: two that are equal have the same digest. */
export interface State {
  readonly digest: string;
  /** What the digest is of, as JSON. */
  readonly text: string;
  /** The digest of what concerns one object alone: itself, its Secret, its leases, its steps, the connection's hold. */
  readonly parts: Readonly<Record<ObjectName, string>>;
}

/**
 * What of a world decides how a process that starts in it goes on. Ids are renamed by first appearance; of an instant
 * only that there is one is kept, of a resourceVersion and of a generation whether they are the latest.
 */
export function stateOf(world: World): State {
  const text = textOf(world);
  const part = (name: ObjectName): string => digestOfText(textOf(partOf(world, name)));
  return { text, digest: digestOfText(text), parts: { orders: part('orders'), stock: part('stock') } };
}

/** The world as it were without the other object. */
function partOf(world: World, name: ObjectName): World {
  return {
    ...world,
    steps: world.steps.filter((step) => (ownerOfStep(step) ?? name) === name),
    objects: world.objects.filter((object) => object.name === name),
    live: world.live.filter(({ dynamicSecret }) => ownerOf(dynamicSecret) === name),
  };
}

function digestOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

function textOf(world: World): string {
  const plain = plainly(world.names);
  const objects = world.objects.map(({ lease, secret }) =>
    plain([leaseView(lease, secret), secretView(secret, world.issued)]),
  );
  const held = world.connection === undefined ? [] : kubeObject.parse(world.connection).metadata.finalizers;
  // The ids of the objects are known by now: what somebody names comes first, in the order of its naming.
  const live = world.live
    .map(({ leaseId, dynamicSecret, tag, status, createdAt }) => {
      const known = plain.number(leaseId) ?? Infinity;
      return { known, createdAt, lease: { leaseId, dynamicSecret, object: tag?.object, status } };
    })
    .toSorted((one, other) => order(one, other))
    .map(({ lease }) => plain(lease));
  const steps = world.steps.toSorted();
  return JSON.stringify({ server: world.server, steps, objects, held, live });
}

const kubeObject = z.object({
  metadata: objectMeta,
  spec: z.unknown().optional(),
  status: z
    .looseObject({
      observedGeneration: z.int().optional(),
      secret: z.looseObject({}).optional(),
      conditions: z.unknown().optional(),
    })
    .default({}),
  data: z.record(z.string(), z.string()).default({}),
});

function leaseView(raw: unknown, secret: unknown): unknown {
  if (raw === undefined) return 'none';
  const { metadata, spec, status } = kubeObject.parse(raw);
  const { annotations, finalizers, deletionTimestamp, uid } = metadata;
  const version = secret === undefined ? undefined : kubeObject.parse(secret).metadata.resourceVersion;
  const { observedGeneration, secret: written, ...rest } = status;
  return {
    uid,
    spec,
    finalizers,
    annotations: { ...annotations, [ASKED_ANNOTATION]: parsed(annotations[ASKED_ANNOTATION]) },
    isDeleting: deletionTimestamp !== undefined,
    status: {
      ...rest,
      seesSpec: observedGeneration === undefined ? 'none' : observedGeneration === metadata.generation,
      secret: written && {
        ...written,
        resourceVersion: written['resourceVersion'] === version,
      },
      conditions: conditionsOf(rest.conditions, metadata.generation),
    },
  };
}

const conditionList = z
  .array(
    z.object({ type: z.string(), status: z.string(), reason: z.string(), observedGeneration: z.unknown() }),
  )
  .default([]);

function conditionsOf(raw: unknown, generation: number): unknown {
  return conditionList
    .parse(raw)
    .map(({ observedGeneration, ...rest }) => ({ ...rest, seesSpec: observedGeneration === generation }));
}

function secretView(raw: unknown, issued: World['issued']): unknown {
  if (raw === undefined) return 'none';
  const { metadata, data } = kubeObject.parse(raw);
  const { uid, labels, annotations, finalizers, deletionTimestamp } = metadata;
  const record = z
    .looseObject({ lease: z.looseObject({ id: z.string() }), digest: z.string() })
    .optional()
    .parse(parsed(annotations[RECORD_ANNOTATION]));
  const decoded = new Map(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
  return {
    uid,
    labels,
    finalizers,
    isDeleting: deletionTimestamp !== undefined,
    annotations: {
      ...annotations,
      [RECORD_ANNOTATION]: record && { ...record, digest: record.digest === digestOf(decoded) },
    },
    isAsIssued: record !== undefined && issued.get(record.lease.id) === decoded.get('DB_PASSWORD'),
  };
}

function parsed(text: string | undefined): unknown {
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

function order(
  one: { readonly known: number; readonly createdAt: number; readonly lease: { dynamicSecret: string } },
  other: typeof one,
): number {
  if (one.known !== other.known) return one.known < other.known ? -1 : 1;
  return one.lease.dynamicSecret.localeCompare(other.lease.dynamicSecret) || one.createdAt - other.createdAt;
}
