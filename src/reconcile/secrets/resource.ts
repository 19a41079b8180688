import { z } from 'zod';

import { MANAGED_LABEL, MANAGED_VALUE } from '../../api/names.ts';
import { shardOf, type Shard } from '../../api/shard.ts';
import { found } from '../../kube/kube-error.ts';
import { namedBy, nameOf, namespaceOf } from '../../kube/object-key.ts';
import type { KubeResource } from '../../kube/resource.ts';
import type { Store } from '../../kube/store.ts';
import { digestOf } from '../../secret/render.ts';
import type { SecretRecord, SecretResource } from '../ports.ts';
import { hiddenSecret, objectData, secretRecord } from '../records.ts';
import type { SecretSight } from './sight.ts';

export interface SecretResourceOptions {
  /** For the writes. */
  readonly type: KubeResource;
  /** For the looks. */
  readonly sight: SecretSight;
  readonly store: Store<SecretRecord, 'byOwner'>;
  readonly shard: Shard;
}

/** Secrets, as metadata: what looks and answers to own writes show goes into the store. */
export function secretResource({ type, sight, store, shard }: SecretResourceOptions): SecretResource {
  // The store is that of one selection: what does not carry our labels is gone for it.
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
      const seen = await sight.metadata(namedBy(key));
      const known = store.get(key);
      const record = seen.state === 'there' ? observed(seen.raw) : undefined;
      // Another may have taken its name, and be none that is kept here.
      if (known !== undefined && known.uid !== record?.uid) store.observeDeleted(key, known.uid);
      return seen.state === 'hidden' ? hiddenSecret(namespaceOf(key), nameOf(key)) : record;
    },
    async inspect(key) {
      const seen = await sight.whole(namedBy(key));
      const known = store.get(key);
      if (seen.state !== 'there') {
        if (known !== undefined) store.observeDeleted(key, known.uid);
        return undefined;
      }
      const secret = secretRecord(seen.raw);
      // That it has lost our labels is for the watch to tell: a look at its data is none at whose it is.
      if (isManaged(secret, shard)) store.observe(secret);
      return { secret, digest: digestOf(dataOf(seen.raw)) };
    },
    create: async (key, body, options = {}) =>
      observed(await type.create(namespaceOf(key), body, { ...options, metadataOnly: true }), options.dryRun),
    async change(key, operations, options = {}) {
      const raw = await type.jsonPatch(namedBy(key), operations, { ...options, metadataOnly: true });
      return observed(raw, options.dryRun);
    },
    async delete(key, expected) {
      const raw = await found(type.delete(namedBy(key), expected, { metadataOnly: true }));
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
