import type { Store, StoreRecord } from './store.ts';

/**
 * Two stores whose keys never meet, as one.
 *
 * @param isFirst whether a key is one of the first store's.
 */
export function storeUnion<R extends StoreRecord, Index extends string>(
  first: Store<R, Index>,
  second: Store<R, Index>,
  isFirst: (key: string) => boolean,
): Store<R, Index> {
  const of = (key: string): Store<R, Index> => (isFirst(key) ? first : second);
  return {
    get: (key) => of(key).get(key),
    *values() {
      yield* first.values();
      yield* second.values();
    },
    get size() {
      return first.size + second.size;
    },
    byIndex: (index, value) => [...first.byIndex(index, value), ...second.byIndex(index, value)],
    count: (index, value) => first.count(index, value) + second.count(index, value),
    subscribe(subscriber) {
      const ends = [first.subscribe(subscriber), second.subscribe(subscriber)];
      return () => {
        for (const end of ends) end();
      };
    },
    observe: (record) => of(record.key).observe(record),
    observeDeleted: (key, uid) => of(key).observeDeleted(key, uid),
    observeLeft: (record) => of(record.key).observeLeft(record),
  };
}
