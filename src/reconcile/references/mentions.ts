import { referenceKey, type Reference } from './references.ts';

/** What an object's new references change for all objects together. */
export interface Mentioned {
  /** Whether the object names anything else than before. */
  readonly changed: boolean;
  /** Keys of what nobody named before. */
  readonly first: readonly string[];
  /** Keys of what nobody names any more. */
  readonly last: readonly string[];
}

/** Which objects name which others, by their keys and those that `referenceKey` makes. */
export interface Mentions {
  /** Takes what an object names from now on; nothing: it is gone. */
  set(namer: string, references: readonly Reference[]): Mentioned;
  /** The keys of what an object names. */
  namedBy(namer: string): readonly string[];
  /** Those that name an object. */
  namersOf(reference: string): readonly string[];
  /** An object that is named; undefined where nobody names it. */
  get(reference: string): Reference | undefined;
}

/** Makes {@link Mentions} of nothing. */
export function mentions(): Mentions {
  const byNamer = new Map<string, readonly string[]>();
  const byReference = new Map<string, { readonly reference: Reference; readonly namers: Set<string> }>();

  /** @returns whether nobody had named it. */
  function add(namer: string, key: string, reference: Reference): boolean {
    const known = byReference.get(key);
    if (known !== undefined) known.namers.add(namer);
    else byReference.set(key, { reference, namers: new Set([namer]) });
    return known === undefined;
  }

  /** @returns whether nobody names it any more. */
  function remove(namer: string, key: string): boolean {
    const namers = byReference.get(key)?.namers;
    namers?.delete(namer);
    return namers?.size === 0 && byReference.delete(key);
  }

  return {
    set(namer, references) {
      const before = new Set(byNamer.get(namer));
      const after = new Map(references.map((reference) => [referenceKey(reference), reference]));
      const came = [...after].filter(([key]) => !before.has(key));
      const went = [...before].filter((key) => !after.has(key));
      if (after.size === 0) byNamer.delete(namer);
      else byNamer.set(namer, [...after.keys()]);
      return {
        changed: came.length + went.length > 0,
        first: came.filter(([key, reference]) => add(namer, key, reference)).map(([key]) => key),
        last: went.filter((key) => remove(namer, key)),
      };
    },
    namedBy: (namer) => byNamer.get(namer) ?? [],
    namersOf: (reference) => [...(byReference.get(reference)?.namers ?? [])],
    get: (reference) => byReference.get(reference)?.reference,
  };
}
