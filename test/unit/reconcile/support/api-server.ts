import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

import { formatInstant } from '../../../../src/instant.ts';
import { KubeError } from '../../../../src/kube/kube-error.ts';
import { objectKey } from '../../../../src/kube/object-key.ts';
import type { Preconditions } from '../../../../src/kube/resource.ts';
import type { PatchOperation } from '../../../../src/secret/manifest.ts';
import { afterMergePatch, afterOperation } from './patches.ts';

/** An object as the API server's JSON has it: what is empty is left out. */
const apiObject = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().default(''),
    uid: z.string(),
    resourceVersion: z.string(),
    generation: z.number().optional(),
    deletionTimestamp: z.string().optional(),
    finalizers: z.array(z.string()).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
    ownerReferences: z.array(z.looseObject({ uid: z.string() })).optional(),
  }),
  spec: z.unknown().optional(),
  status: z.unknown().optional(),
  data: z.record(z.string(), z.string()).optional(),
});

export type ApiObject = z.infer<typeof apiObject>;

export type Kind = 'leases' | 'connections' | 'dynamicSecrets' | 'secrets';

export interface ApiEvent {
  readonly kind: Kind;
  readonly type: 'written' | 'removed';
  readonly object: ApiObject;
}

export interface DryRun {
  readonly dryRun?: boolean;
}

const named = z.looseObject({
  metadata: z.looseObject({ name: z.string(), namespace: z.string().default('') }),
});

/**
 * The Kubernetes API, as far as a reconciler can tell: versions, guarded writes, finalizers, the status subresource,
 * dry runs. As the real one does, it answers the patch that takes the last finalizer of a deleted object with the
 * object's old version, a dry run of a creation without any, and a write that changes nothing with no new one.
 *
 * Every method throws KubeError.
 */
export class ApiServer {
  /** Keys of Secrets that a policy keeps from being looked at, as in strict mode. */
  readonly hidden = new Set<string>();
  readonly #objects = new Map<string, ApiObject>();
  readonly #now: () => number;
  readonly #tell: (event: ApiEvent) => void;
  #version = 100;
  #uids = 0;

  constructor(now: () => number, tell: (event: ApiEvent) => void) {
    this.#now = now;
    this.#tell = tell;
  }

  /** Undefined where there is none. */
  find(kind: Kind, key: string): ApiObject | undefined {
    return this.#objects.get(`${kind} ${key}`);
  }

  list(kind: Kind): readonly ApiObject[] {
    return [...this.#objects].filter(([id]) => id.startsWith(`${kind} `)).map(([, object]) => object);
  }

  get version(): string {
    return String(this.#version);
  }

  get(kind: Kind, key: string): ApiObject {
    const object = this.find(kind, key);
    if (object === undefined) throw refusal(`get ${kind}`, 404, 'NotFound');
    return object;
  }

  /** @returns the object; of a dry run without a resourceVersion, since it has none. */
  create(kind: Kind, body: unknown, { dryRun = false }: DryRun = {}): { readonly metadata: object } {
    const { metadata, ...rest } = named.parse(body);
    const key = objectKey(metadata.namespace, metadata.name);
    if (this.find(kind, key) !== undefined) throw refusal(`create ${kind}`, 409, 'AlreadyExists');
    this.#uids += 1;
    const uid = `uid-${String(this.#uids)}`;
    const versioned = kind === 'secrets' ? rest : { ...rest, status: { observedGeneration: -1 } };
    const generation = kind === 'secrets' ? {} : { generation: 1 };
    const creationTimestamp = formatInstant(this.#now());
    const given = { ...generation, creationTimestamp, uid, resourceVersion: '' };
    const object = { ...versioned, metadata: { ...metadata, ...given } };
    if (!dryRun) return this.#store(kind, apiObject.parse(object));
    const { resourceVersion: _none, ...unversioned } = object.metadata;
    return { ...object, metadata: unversioned };
  }

  mergePatch(kind: Kind, key: string, patch: unknown, subresource?: 'status'): ApiObject {
    const before = this.get(kind, key);
    const wanted = afterMergePatch(before, patch);
    const status = subresource === undefined ? before.status : apiObject.parse(wanted).status;
    return this.#update(kind, before, { ...(subresource === undefined ? wanted : before), status }, wanted);
  }

  jsonPatch(
    kind: Kind,
    key: string,
    operations: readonly PatchOperation[],
    { dryRun = false }: DryRun = {},
  ): ApiObject {
    const before = this.get(kind, key);
    const wanted = operations.reduce(afterOperation, { ...before });
    return this.#update(kind, before, wanted, wanted, dryRun);
  }

  /** @returns the object where finalizers keep it. */
  delete(kind: Kind, key: string, { uid, resourceVersion }: Preconditions = {}): ApiObject | undefined {
    const object = this.get(kind, key);
    const { metadata } = object;
    if ((uid ?? metadata.uid) !== metadata.uid) throw refusal(`delete ${kind}`, 409, 'Conflict');
    if ((resourceVersion ?? metadata.resourceVersion) !== metadata.resourceVersion) {
      throw refusal(`delete ${kind}`, 409, 'Conflict');
    }
    if (metadata.finalizers === undefined) {
      this.#remove(kind, object);
      return undefined;
    }
    if (metadata.deletionTimestamp !== undefined) return object;
    const generation = metadata.generation === undefined ? {} : { generation: metadata.generation + 1 };
    const deletionTimestamp = formatInstant(this.#now());
    return this.#store(kind, { ...object, metadata: { ...metadata, ...generation, deletionTimestamp } });
  }

  /** Deletes the Secrets whose owners are gone, as the garbage collector does in its own time. */
  collectGarbage(): void {
    const uids = new Set(this.list('leases').map((lease) => lease.metadata.uid));
    for (const { metadata } of this.list('secrets')) {
      const owners = metadata.ownerReferences ?? [];
      const orphaned = owners.length > 0 && owners.every((owner) => !uids.has(owner.uid));
      if (orphaned) this.delete('secrets', `${metadata.namespace}/${metadata.name}`);
    }
  }

  /** @param asked what the request said of the metadata, its resourceVersion above all. */
  #update(kind: Kind, before: ApiObject, after: object, asked: object, dryRun = false): ApiObject {
    const guard = named.parse(asked).metadata['resourceVersion'];
    if (guard !== before.metadata.resourceVersion) throw refusal(`patch ${kind}`, 409, 'Conflict');
    const object = withGeneration(before, tidied(apiObject.parse(after)));
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    const added = finalizers.filter((one) => !(before.metadata.finalizers ?? []).includes(one));
    if (deletionTimestamp !== undefined && added.length > 0) throw refusal(`patch ${kind}`, 422, 'Invalid');
    if (dryRun || isDeepStrictEqual(object, before)) return object;
    if (deletionTimestamp === undefined || finalizers.length > 0) return this.#store(kind, object);
    this.#remove(kind, object);
    return object;
  }

  #store(kind: Kind, object: ApiObject): ApiObject {
    this.#version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: this.version } };
    this.#objects.set(`${kind} ${keyOf(stored)}`, stored);
    this.#tell({ kind, type: 'written', object: stored });
    return stored;
  }

  #remove(kind: Kind, object: ApiObject): void {
    this.#version += 1;
    this.#objects.delete(`${kind} ${keyOf(object)}`);
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: this.version } };
    this.#tell({ kind, type: 'removed', object: last });
  }
}

export function keyOf({ metadata }: ApiObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function refusal(request: string, status: number, reason: string): KubeError {
  return new KubeError(request, { status, reason });
}

function withGeneration(before: ApiObject, after: ApiObject): ApiObject {
  const { generation } = before.metadata;
  if (generation === undefined || isDeepStrictEqual(before.spec, after.spec)) return after;
  return { ...after, metadata: { ...after.metadata, generation: generation + 1 } };
}

/** Kubernetes leaves empty lists and maps out. */
function tidied(object: ApiObject): ApiObject {
  const kept = Object.entries(object.metadata).filter(
    ([, value]) => typeof value !== 'object' || value === null || Object.keys(value).length > 0,
  );
  return apiObject.parse({ ...object, metadata: Object.fromEntries(kept) });
}
