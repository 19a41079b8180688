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

/** One record by itself, several by their keys: most values lead to one, and a map of one takes 300 bytes. */
type Found<R> = R | Map<string, R>;

/** Makes empty {@link StoreIndexes}. A record's functions must answer the same each time: records are immutable. */
export function storeIndexes<R extends { readonly key: string }, Index extends string>(
  functions: Readonly<Record<Index, IndexFunction<R>>>,
): StoreIndexes<R, Index> {
  const tables = Object.entries<IndexFunction<R>>(functions).map(
    ([name, valuesOf]) => [name, { valuesOf, byValue: new Map<string, Found<R>>() }] as const,
  );
  const byName = new Map(tables);

  return {
    add(record) {
      for (const { valuesOf, byValue } of byName.values()) {
        for (const value of valuesOf(record)) {
          const found = byValue.get(value);
          if (found instanceof Map) found.set(record.key, record);
          else if (found === undefined || found.key === record.key) byValue.set(value, record);
          else
            byValue.set(
              value,
              new Map([
                [found.key, found],
                [record.key, record],
              ]),
            );
        }
      }
    },
    remove(record) {
      for (const { valuesOf, byValue } of byName.values()) {
        for (const value of valuesOf(record)) {
          const found = byValue.get(value);
          if (found instanceof Map) found.delete(record.key);
          if (found instanceof Map ? found.size === 0 : found?.key === record.key) byValue.delete(value);
        }
      }
    },
    count(index, value) {
      const found = byName.get(index)?.byValue.get(value);
      return found instanceof Map ? found.size : Number(found !== undefined);
    },
    find(index, value) {
      const found = byName.get(index)?.byValue.get(value);
      if (found instanceof Map) return [...found.values()];
      return found === undefined ? [] : [found];
    },
  };
}
