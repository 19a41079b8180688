import type { Point } from '../figures/points.ts';
import type { SavedRun } from '../saved/line.ts';
import { numberAxis } from './axis.ts';
import { curvesSvg, CURVES_NOTE, lastSecond, type Curves } from './curves.ts';
import { figureSvg } from './figure.ts';
import { distinct, groupsOf, namespacesText, sizeText, type Group } from './groups.ts';
import { machineText } from './machine-text.ts';
import type { Panel } from './panel.ts';
import { colour } from './style.ts';

/**
 * The share of the leases that are Ready over seconds, for cold starts. A panel for each number of leases: beside the
 * seconds that ten thousand take, those of a thousand would be a wall.
 *
 * @returns undefined where no cold start was kept
 */
export function readinessFigure(runs: readonly SavedRun[]): string | undefined {
  const cold = runs.filter(({ result, readiness }) => result.case === 'cold' && readiness !== null);
  const groups = groupsOf(cold);
  if (groups.length === 0) return undefined;
  const namespaces = distinct(groups.map((group) => group.namespaces)).toSorted((one, other) => one - other);
  return figureSvg({
    title: 'Cold start: the share of the leases that are Ready',
    legend: namespaces.map(namespacesText),
    columns: 2,
    panels: distinct(groups.map(({ leases }) => leases)).map((leases) =>
      panelOf(
        leases,
        groups.filter((group) => group.leases === leases),
        (group) => colour(namespaces.indexOf(group.namespaces)),
      ),
    ),
    notes: [CURVES_NOTE, machineText(cold)],
  });
}

function panelOf(leases: number, groups: readonly Group[], colourOf: (group: Group) => string): Panel {
  const all = groups.flatMap(({ runs }) => runs.map(percentOf));
  const curves = groups.map((group): Curves => ({
    runs: group.runs,
    colour: colourOf(group),
    pointsOf: percentOf,
    measure: (run) => lastSecond([percentOf(run)]),
  }));
  return {
    title: sizeText({ leases, namespaces: 1 }),
    x: numberAxis('seconds since the start of the process', lastSecond(all)),
    y: numberAxis('% of the leases', 100),
    marks: (x, y) => curves.flatMap((one) => curvesSvg(one, x, y)),
  };
}

/** Per cent over seconds: none from the start until the first was Ready. */
function percentOf({ readiness }: SavedRun): readonly Point[] {
  const first = readiness?.[0]?.[0] ?? 0;
  return [[0, 0], [first, 0], ...(readiness ?? []).map(([seconds, share]): Point => [seconds, share * 100])];
}
