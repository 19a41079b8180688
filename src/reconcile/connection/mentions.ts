import { referenceKey, type Reference } from './references.ts';

/** What a connection's new references change for all connections together. */
export interface Mentioned {
  /** Whether the connection names anything else than before. */
  readonly changed: boolean;
  /** Keys of what nobody named before. */
  readonly first: readonly string[];
  /** Keys of what nobody names any more. */
  readonly last: readonly string[];
}

/** Which connections name which objects, by their keys and those that `referenceKey` makes. */
export interface Mentions {
  /** Takes what a connection names from now on; nothing: it is gone. */
  set(connection: string, references: readonly Reference[]): Mentioned;
  /** The keys of what a connection names. */
  namedBy(connection: string): readonly string[];
  /** The connections that name an object. */
  namersOf(reference: string): readonly string[];
  /** An object that is named; undefined where nobody names it. */
  get(reference: string): Reference | undefined;
}

/** Makes {@link Mentions} of nothing. */
export function mentions(): Mentions {
  const byConnection = new Map<string, readonly string[]>();
  const byReference = new Map<string, { readonly reference: Reference; readonly namers: Set<string> }>();

  /** @returns whether nobody had named it. */
  function add(connection: string, key: string, reference: Reference): boolean {
    const known = byReference.get(key);
    if (known !== undefined) known.namers.add(connection);
    else byReference.set(key, { reference, namers: new Set([connection]) });
    return known === undefined;
  }

  /** @returns whether nobody names it any more. */
  function remove(connection: string, key: string): boolean {
    const namers = byReference.get(key)?.namers;
    namers?.delete(connection);
    return namers?.size === 0 && byReference.delete(key);
  }

  return {
    set(connection, references) {
      const before = new Set(byConnection.get(connection));
      const after = new Map(references.map((reference) => [referenceKey(reference), reference]));
      const came = [...after].filter(([key]) => !before.has(key));
      const went = [...before].filter((key) => !after.has(key));
      if (after.size === 0) byConnection.delete(connection);
      else byConnection.set(connection, [...after.keys()]);
      return {
        changed: came.length + went.length > 0,
        first: came.filter(([key, reference]) => add(connection, key, reference)).map(([key]) => key),
        last: went.filter((key) => remove(connection, key)),
      };
    },
    namedBy: (connection) => byConnection.get(connection) ?? [],
    namersOf: (reference) => [...(byReference.get(reference)?.namers ?? [])],
    get: (reference) => byReference.get(reference)?.reference,
  };
}
