import { z } from 'zod';

import { MANAGED_LABEL, MANAGED_VALUE } from '../api/names.ts';
import { found } from '../kube/kube-error.ts';
import { nameOf as nameIn, namespaceOf } from '../kube/object-key.ts';
import { compareVersions } from '../kube/resource-version.ts';
import type { KubeResource } from '../kube/resource.ts';
import type { Store } from '../kube/store.ts';
import { digestOf } from '../secret/render.ts';
import type { Identified, Resource, SecretRecord, SecretResource } from './ports.ts';
import { objectData, secretRecord } from './records.ts';

interface Name {
  readonly namespace: string;
  readonly name: string;
}

function nameOf(key: string): Name {
  return { namespace: namespaceOf(key), name: nameIn(key) };
}

/** Custom resources of one kind, over the API and the store of their watch. */
export function customResource<Record extends Identified>(
  typeOf: (key: string) => KubeResource,
  store: Store<Record>,
  read: (raw: unknown) => Record,
): Omit<Resource<Record>, 'inNamespace'> {
  const observed = (raw: unknown): Record => {
    const record = read(raw);
    store.observe(record);
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
export function secretResource(type: KubeResource, store: Store<SecretRecord, 'byOwner'>): SecretResource {
  // The store is that of a watch with a selector: what does not carry the label is not its business.
  const observed = (raw: unknown, dryRun = false): SecretRecord => {
    const record = secretRecord(raw);
    if (!dryRun && isManaged(record)) store.observe(record);
    return record;
  };
  // Without our label it is gone for the watch, which tells so later.
  const released = (record: SecretRecord): void => {
    const { key, uid, resourceVersion } = record;
    const known = store.get(key);
    if (isManaged(record) || known?.uid !== uid) return;
    if ((compareVersions(known.resourceVersion, resourceVersion) ?? 0) < 0) store.observeDeleted(key, uid);
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
      return { secret: observed(raw), digest: digestOf(dataOf(raw)) };
    },
    create: async (key, body, options = {}) =>
      observed(
        await type.create(nameOf(key).namespace, body, { ...options, metadataOnly: true }),
        options.dryRun,
      ),
    async change(key, operations, options = {}) {
      const raw = await type.jsonPatch(nameOf(key), operations, { ...options, metadataOnly: true });
      const record = observed(raw, options.dryRun);
      if (options.dryRun !== true) released(record);
      return record;
    },
    async delete(key, expected) {
      const raw = await found(type.delete(nameOf(key), expected, { metadataOnly: true }));
      // An object in place of a Status: it is marked, and still there.
      if (isObjectMetadata(raw)) observed(raw);
      else store.observeDeleted(key, expected.uid);
    },
  };
}

function isManaged({ labels }: SecretRecord): boolean {
  return labels[MANAGED_LABEL] === MANAGED_VALUE;
}

const objectAnswer = z.object({ metadata: z.object({ uid: z.string() }) });

function isObjectMetadata(raw: unknown): boolean {
  return objectAnswer.safeParse(raw).success;
}

function dataOf(raw: unknown): ReadonlyMap<string, string> {
  const entries = Object.entries(objectData.parse(raw).data ?? {});
  return new Map(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
}
