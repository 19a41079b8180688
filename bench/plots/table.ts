import type { SavedRun } from '../saved/line.ts';
import { fixedText, numberText } from './axis.ts';
import { figuresOf, groupsOf, medianFigure, type FigureName, type Group } from './groups.ts';

/** What stands where no run has such a figure. */
const NONE = '–';

interface Column {
  readonly head: string;
  readonly cell: (group: Group) => string;
}

const COLUMNS: readonly Column[] = [
  { head: 'Case', cell: (group) => `\`${group.case}\`` },
  { head: 'Leases', cell: ({ leases }) => numberText(leases) },
  { head: 'Namespaces', cell: ({ namespaces }) => numberText(namespaces) },
  { head: 'Runs', cell: ({ runs }) => numberText(runs.length) },
  { head: 'Leases/s', cell: of('leasesPerSecond', 0) },
  { head: 'Ceiling', cell: of('ceilingLeasesPerSecond', 0) },
  { head: 'Share', cell: share },
  { head: 's to 50 %', cell: of('secondsTo50', 1) },
  { head: '99 %', cell: of('secondsTo99', 1) },
  { head: 'all', cell: of('secondsToAll', 1) },
  { head: 'Writes', cell: of('writesPerLease', 2) },
  { head: 'Reads', cell: of('readsPerLease', 2) },
  { head: 'CPU s/1000', cell: of('cpuSecondsPer1000', 1) },
  { head: 'Peak MiB', cell: of('peakMemoryMiB', 0) },
  { head: '409s', cell: of('conflicts', 0) },
  { head: 'Logins', cell: of('logins', 0) },
  { head: 'Duplicates', cell: of('duplicateLeases', 0) },
  { head: 'Dead s', cell: of('deadCredentialSeconds', 1) },
];

/** The medians of all runs as a table in Markdown, a row for each case and size; laid out as the formatter wants it. */
export function tableOf(runs: readonly SavedRun[]): string {
  const cells = [
    COLUMNS.map(({ head }) => head),
    ...groupsOf(runs).map((group) => COLUMNS.map(({ cell }) => cell(group))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0), 3));
  const [head = [], ...body] = cells.map((row) => row.map((cell, column) => padded(cell, column, widths)));
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [head, rule, ...body].map((row) => `| ${row.join(' | ')} |\n`).join('');
}

/** The name to the left, numbers to the right. */
function padded(cell: string, column: number, widths: readonly number[]): string {
  const width = widths[column] ?? 0;
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

/** A cell with a figure's median. @param digits after the point */
function of(name: FigureName, digits: number): Column['cell'] {
  return (group) => {
    const value = medianFigure(group, name);
    return value === undefined ? NONE : fixedText(value, digits);
  };
}

/** The share of the ceiling, which varies most: `0.57 (0.55–0.60)`, of one run `0.57`. */
function share(group: Group): string {
  const value = medianFigure(group, 'shareOfCeiling');
  if (value === undefined) return NONE;
  const all = figuresOf(group, 'shareOfCeiling');
  if (all.length === 1) return fixedText(value, 2);
  const [low, high] = [Math.min(...all), Math.max(...all)].map((one) => fixedText(one, 2));
  return `${fixedText(value, 2)} (${low ?? ''}–${high ?? ''})`;
}
