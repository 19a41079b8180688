import type { Shard } from '../api/shard.ts';
import { found } from '../kube/kube-error.ts';
import { namedBy } from '../kube/object-key.ts';
import type { KubeResource } from '../kube/resource.ts';
import type { Store } from '../kube/store.ts';
import type { Identified, Resource, Sharded } from './ports.ts';

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
      const raw = await found(typeOf(key).get(namedBy(key)));
      const known = store.get(key);
      if (raw !== undefined) return observed(raw);
      if (known !== undefined) store.observeDeleted(key, known.uid);
      return undefined;
    },
    patch: async (key, body) => observed(await typeOf(key).mergePatch(namedBy(key), body)),
    patchStatus: async (key, body) =>
      observed(await typeOf(key).mergePatch(namedBy(key), body, { subresource: 'status' })),
  };
}
