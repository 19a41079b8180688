import { CASES } from '../options.ts';
import { median } from '../result.ts';
import type { SavedRun } from '../saved/line.ts';
import { numberText } from './axis.ts';

/** Runs of the same: a case with so many leases in so many namespaces. */
export interface Group {
  /** As {@link caseText} calls it. */
  readonly case: string;
  readonly leases: number;
  readonly namespaces: number;
  /** In the order in which they were read; at least one. */
  readonly runs: readonly SavedRun[];
}

/** Sorts runs into groups: cases as the command line has them, then by leases and namespaces. */
export function groupsOf(runs: readonly SavedRun[]): readonly Group[] {
  const groups = Map.groupBy(runs, ({ result }) =>
    [caseText(result), String(result.leases), String(result.namespaces)].join('/'),
  );
  return [...groups.values()]
    .flatMap((own) => {
      const [first] = own;
      if (first === undefined) return [];
      const { leases, namespaces } = first.result;
      return [{ case: caseText(first.result), leases, namespaces, runs: own }];
    })
    .toSorted(inOrder);
}

/** The case, and the option that makes another one of it: a storm after an outage is not to be mixed with one without. */
export function caseText({ case: name, more }: SavedRun['result']): string {
  return (more['outageSeconds'] ?? 0) > 0 ? `${name} --outage` : name;
}

function inOrder(one: Group, other: Group): number {
  return (
    rank(one.case) - rank(other.case) ||
    one.case.localeCompare(other.case, 'en') ||
    one.leases - other.leases ||
    one.namespaces - other.namespaces
  );
}

/** A case that the command line does not know, or no longer, comes last. */
function rank(name: string): number {
  const place = (CASES as readonly string[]).indexOf(name.replace(/ .*/, ''));
  return place === -1 ? CASES.length : place;
}

/** The names of figures that are numbers. */
export type FigureName = Exclude<keyof SavedRun['result'], 'case' | 'more'>;

/** A figure of all runs that have it. */
export function figuresOf({ runs }: Pick<Group, 'runs'>, name: FigureName): readonly number[] {
  return runs.flatMap(({ result }) => result[name] ?? []);
}

/** The median of the runs that have a figure; undefined where none has. */
export function medianFigure(group: Pick<Group, 'runs'>, name: FigureName): number | undefined {
  const values = figuresOf(group, name);
  return values.length === 0 ? undefined : median(values);
}

/** The run in the middle by some measure, of two there the lower one: a curve cannot be a mean of two. */
export function middleRun<T>(runs: readonly T[], measure: (run: T) => number): T | undefined {
  const ascending = runs.toSorted((one, other) => measure(one) - measure(other));
  return ascending[Math.floor((ascending.length - 1) / 2)];
}

/** `1,000 leases`, `10,000 leases in 100 namespaces`. */
export function sizeText({ leases, namespaces }: Pick<Group, 'leases' | 'namespaces'>): string {
  const all = leases === 1 ? '1 lease' : `${numberText(leases)} leases`;
  return namespaces === 1 ? all : `${all} in ${namespacesText(namespaces)}`;
}

/** `1 namespace`, `100 namespaces`. */
export function namespacesText(namespaces: number): string {
  return namespaces === 1 ? '1 namespace' : `${numberText(namespaces)} namespaces`;
}

/** What is there once each, in the order of the first of each. */
export function distinct<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)];
}
