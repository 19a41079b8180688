/** Derives the values under which a record is found. */
export type IndexFunction<R> = (record: R) => readonly string[];

/** Secondary indexes of records by declared functions. */
export interface StoreIndexes<R, Index extends string> {
  add(record: R): void;
  remove(record: R): void;
  find(index: Index, value: string): readonly R[];
  /** How many records `find` would return. */
  count(index: Index, value: string): number;
}

/** Makes empty {@link StoreIndexes}. A record's functions must answer the same each time: records are immutable. */
export function storeIndexes<R extends { readonly key: string }, Index extends string>(
  functions: Readonly<Record<Index, IndexFunction<R>>>,
): StoreIndexes<R, Index> {
  const tables = Object.entries<IndexFunction<R>>(functions).map(
    ([name, valuesOf]) => [name, { valuesOf, byValue: new Map<string, Map<string, R>>() }] as const,
  );
  const byName = new Map(tables);

  return {
    add(record) {
      for (const { valuesOf, byValue } of byName.values()) {
        for (const value of valuesOf(record)) {
          const found = byValue.get(value);
          if (found === undefined) byValue.set(value, new Map([[record.key, record]]));
          else found.set(record.key, record);
        }
      }
    },
    remove(record) {
      for (const { valuesOf, byValue } of byName.values()) {
        for (const value of valuesOf(record)) {
          const found = byValue.get(value);
          found?.delete(record.key);
          if (found?.size === 0) byValue.delete(value);
        }
      }
    },
    count: (index, value) => byName.get(index)?.byValue.get(value)?.size ?? 0,
    find: (index, value) => [...(byName.get(index)?.byValue.get(value)?.values() ?? [])],
  };
}
