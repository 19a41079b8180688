import { z } from 'zod';

import { MANAGED_LABEL, MANAGED_VALUE } from '../api/names.ts';
import { shardOf, type Shard } from '../api/shard.ts';
import { found } from '../kube/kube-error.ts';
import { nameOf as nameIn, namespaceOf } from '../kube/object-key.ts';
import type { KubeResource } from '../kube/resource.ts';
import type { Store } from '../kube/store.ts';
import { digestOf } from '../secret/render.ts';
import type { Identified, Resource, SecretRecord, SecretResource, Sharded } from './ports.ts';
import { objectData, secretRecord } from './records.ts';

interface Name {
  readonly namespace: string;
  readonly name: string;
}

function nameOf(key: string): Name {
  return { namespace: namespaceOf(key), name: nameIn(key) };
}

/** Whose answers a store takes: `all`, or those about the objects of one shard, which its watch selects. */
export type Selected = 'all' | { readonly shard: Shard };

/** Whether an object is one that a watch selects. */
export function isSelected(selected: Selected, { shard }: Sharded): boolean {
  return selected === 'all' || selected.shard === shard;
}

/** Custom resources of one kind, over the API and the store of their watch. */
export function customResource<Record extends Identified & Sharded>(
  typeOf: (key: string) => KubeResource,
  { store, selected }: { readonly store: Store<Record>; readonly selected: Selected },
  read: (raw: unknown) => Record,
): Omit<Resource<Record>, 'inNamespace'> {
  const observed = (raw: unknown): Record => {
    const record = read(raw);
    if (isSelected(selected, record)) store.observe(record);
    else store.observeLeft(record);
    return record;
  };
  return {
    get: (key) => store.get(key),
    async look(key) {
      const raw = await found(typeOf(key).get(nameOf(key)));
      const known = store.get(key);
      if (raw !== undefined) return observed(raw);
      if (known !== undefined) store.observeDeleted(key, known.uid);
      return undefined;
    },
    patch: async (key, body) => observed(await typeOf(key).mergePatch(nameOf(key), body)),
    patchStatus: async (key, body) =>
      observed(await typeOf(key).mergePatch(nameOf(key), body, { subresource: 'status' })),
  };
}

/** Secrets, as metadata. */
export function secretResource(
  type: KubeResource,
  store: Store<SecretRecord, 'byOwner'>,
  shard: Shard,
): SecretResource {
  // The store is that of a watch with a selector: what does not carry our labels is gone for it, and it tells so later.
  const observed = (raw: unknown, dryRun = false): SecretRecord => {
    const record = secretRecord(raw);
    if (dryRun) return record;
    if (isManaged(record, shard)) store.observe(record);
    else store.observeLeft(record);
    return record;
  };
  return {
    get: (key) => store.get(key),
    ownedBy: (uid) => store.byIndex('byOwner', uid),
    async look(key) {
      const raw = await found(type.get(nameOf(key), { metadataOnly: true }));
      const known = store.get(key);
      const record = raw === undefined ? undefined : observed(raw);
      // Another may have taken its name, and be none that is kept here.
      if (known !== undefined && known.uid !== record?.uid) store.observeDeleted(key, known.uid);
      return record;
    },
    async inspect(key) {
      const raw = await found(type.get(nameOf(key)));
      const known = store.get(key);
      if (raw === undefined) {
        if (known !== undefined) store.observeDeleted(key, known.uid);
        return undefined;
      }
      const secret = secretRecord(raw);
      // That it has lost our labels is for the watch to tell: a look at its data is none at whose it is.
      if (isManaged(secret, shard)) store.observe(secret);
      return { secret, digest: digestOf(dataOf(raw)) };
    },
    create: async (key, body, options = {}) =>
      observed(
        await type.create(nameOf(key).namespace, body, { ...options, metadataOnly: true }),
        options.dryRun,
      ),
    async change(key, operations, options = {}) {
      const raw = await type.jsonPatch(nameOf(key), operations, { ...options, metadataOnly: true });
      return observed(raw, options.dryRun);
    },
    async delete(key, expected) {
      const raw = await found(type.delete(nameOf(key), expected, { metadataOnly: true }));
      // An object in place of a Status: it is marked, and still there.
      if (isObjectMetadata(raw)) observed(raw);
      else store.observeDeleted(key, expected.uid);
    },
  };
}

/** Whether a Secret carries the labels by which a shard watches. */
export function isManaged({ labels }: Pick<SecretRecord, 'labels'>, shard: Shard): boolean {
  return labels[MANAGED_LABEL] === MANAGED_VALUE && shardOf(labels) === shard;
}

const objectAnswer = z.object({ metadata: z.object({ uid: z.string() }) });

function isObjectMetadata(raw: unknown): boolean {
  return objectAnswer.safeParse(raw).success;
}

function dataOf(raw: unknown): ReadonlyMap<string, string> {
  const entries = Object.entries(objectData.parse(raw).data ?? {});
  return new Map(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
}
