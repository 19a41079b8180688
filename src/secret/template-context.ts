import { Context, Drop, type Scope } from 'liquidjs';

type Name = string | number | Drop;

/** Longer than any name that a server gives. */
const LONGEST_NAME = 1024;

/** Stands where a template has something else in the place of a name. Nobody gives a value of this name. */
const NO_NAME = '\0';

/**
 * What the names of a template mean: own properties of the values that are given, and nothing else. LiquidJS has objects
 * of its own, `nil`, `empty` and `blank`, of which it would give all that they inherit. It would also take a list for a
 * name, by the text of all that it holds, and count the keys of an object for its `size`: both cost far more than they
 * look like.
 */
export class TemplateContext extends Context {
  override _get(paths: Name[]): IterableIterator<unknown> {
    return super._get(named(paths));
  }

  override _getFromScope(scope: unknown, paths: Name[] | string): IterableIterator<unknown> {
    return super._getFromScope(scope, typeof paths === 'string' ? paths : named(paths));
  }

  override readProperty(of: Scope, name: Name): unknown {
    const isHidden = of instanceof Drop || (name === 'size' && isCounted(of));
    return isHidden ? undefined : super.readProperty(of, name);
  }
}

function named(paths: readonly Name[]): Name[] {
  return paths.map((name) => (isName(name) ? name : NO_NAME));
}

function isName(name: Name): boolean {
  return typeof name === 'number' || (typeof name === 'string' && name.length <= LONGEST_NAME);
}

/** An object whose keys would be counted: it has no `size` of its own. */
function isCounted(of: unknown): boolean {
  return typeof of === 'object' && of !== null && !Array.isArray(of) && !Object.hasOwn(of, 'size');
}
