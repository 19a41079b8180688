import { median } from '../result.ts';
import type { SavedRun } from '../saved/line.ts';
import { numberAxis } from './axis.ts';
import { figureSvg } from './figure.ts';
import { distinct, figuresOf, groupsOf, namespacesText, type Group } from './groups.ts';
import { machineText } from './machine-text.ts';
import type { Place } from './panel.ts';
import { colour } from './style.ts';
import { element, polyline } from './svg.ts';

/** The cases that hold all leases at once and do nothing unusual with them. */
const CASES: readonly string[] = ['cold', 'restart', 'idle'];

/**
 * The most memory that was resident over the number of leases. Both axes begin at zero and are even, so that the slope
 * of a line is the memory of a lease.
 *
 * @returns undefined where no such case was kept
 */
export function memoryFigure(runs: readonly SavedRun[]): string | undefined {
  const drawn = runs.filter(({ result }) => CASES.includes(result.case));
  const groups = groupsOf(drawn);
  if (groups.length === 0) return undefined;
  const series = distinct(groups.map(seriesText));
  return figureSvg({
    title: 'Peak memory over the number of leases',
    legend: series,
    columns: 1,
    panels: [
      {
        x: numberAxis('leases', Math.max(...groups.map(({ leases }) => leases))),
        y: numberAxis('MiB resident, peak', Math.max(...groups.flatMap(peaksOf))),
        marks: (x, y) =>
          series.flatMap((name, index) => {
            const own = groups.filter((group) => seriesText(group) === name);
            return seriesSvg(own, colour(index), x, y);
          }),
      },
    ],
    notes: ['Points: runs. Lines: between medians.', machineText(drawn)],
  });
}

function seriesText(group: Group): string {
  return group.namespaces === 1 ? group.case : `${group.case}, ${namespacesText(group.namespaces)}`;
}

function peaksOf(group: Group): readonly number[] {
  return figuresOf(group, 'peakMemoryMiB');
}

/** @param groups of one series, by ascending numbers of leases */
function seriesSvg(groups: readonly Group[], stroke: string, x: Place, y: Place): readonly string[] {
  const medians = groups.map((group) => [x(group.leases), y(median(peaksOf(group)))] as const);
  const points = groups.flatMap((group) => peaksOf(group).map((peak) => [x(group.leases), y(peak)] as const));
  return [
    // One size alone makes no line.
    ...(medians.length > 1 ? [polyline(medians, { class: 'median', stroke, 'stroke-width': '2' })] : []),
    ...points.map(([cx, cy]) =>
      element('circle', { class: 'run', cx, cy, r: '3.5', fill: stroke, 'fill-opacity': '0.6' }),
    ),
  ];
}
