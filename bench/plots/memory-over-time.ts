import type { SavedRun } from '../saved/line.ts';
import { numberAxis } from './axis.ts';
import { curvesSvg, CURVES_NOTE, lastSecond } from './curves.ts';
import { figureSvg } from './figure.ts';
import { distinct, groupsOf, sizeText, type Group } from './groups.ts';
import { machineText } from './machine-text.ts';
import type { Panel } from './panel.ts';
import { colour } from './style.ts';

/** The cases whose memory has a course that says something: filling up, and doing nothing. */
const CASES: readonly string[] = ['cold', 'idle'];

/** The resident memory over seconds, a panel for each case. @returns undefined where nobody looked at the memory */
export function memoryOverTimeFigure(runs: readonly SavedRun[]): string | undefined {
  const drawn = runs.filter(({ result, memory }) => CASES.includes(result.case) && memory.length > 0);
  const groups = groupsOf(drawn);
  if (groups.length === 0) return undefined;
  const bySize = groups.toSorted(
    (one, other) => one.leases - other.leases || one.namespaces - other.namespaces,
  );
  const sizes = distinct(bySize.map(sizeText));
  const highest = Math.max(...drawn.flatMap(({ memory }) => memory.map(([, resident]) => resident)));
  const panelOf = (name: string, own: readonly Group[]): Panel => ({
    title: name,
    x: numberAxis(
      'seconds since the start of the process',
      lastSecond(own.flatMap((group) => group.runs.map(({ memory }) => memory))),
    ),
    y: numberAxis('MiB resident', highest),
    marks: (x, y) =>
      own.flatMap(({ runs: same, ...size }) =>
        curvesSvg(
          {
            runs: same,
            colour: colour(sizes.indexOf(sizeText(size))),
            pointsOf: ({ memory }) => memory,
            measure: ({ result }) => result.peakMemoryMiB,
          },
          x,
          y,
        ),
      ),
  });
  return figureSvg({
    title: 'Memory of the operator over time',
    legend: sizes,
    columns: 2,
    panels: distinct(groups.map((group) => group.case)).map((name) =>
      panelOf(
        name,
        groups.filter((group) => group.case === name),
      ),
    ),
    notes: [CURVES_NOTE, machineText(drawn)],
  });
}
