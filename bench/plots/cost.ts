import type { SavedRun } from '../saved/line.ts';
import { fixedText, nameAxis, numberAxis } from './axis.ts';
import { figureSvg } from './figure.ts';
import {
  caseText,
  distinct,
  figuresOf,
  groupsOf,
  medianFigure,
  sizeText,
  type FigureName,
  type Group,
} from './groups.ts';
import { machineText } from './machine-text.ts';
import type { Panel, Place } from './panel.ts';
import { colour, INK } from './style.ts';
import { element, text } from './svg.ts';

/** The cases in which all leases go through the same once, so that a cost for each has a meaning. */
const CASES: readonly string[] = ['cold', 'steady', 'delete', 'storm', 'storm --outage'];

/** What a lease costs: the operator's processor time, and writes. @returns undefined where no such case was kept */
export function costFigure(runs: readonly SavedRun[]): string | undefined {
  const drawn = runs.filter(({ result }) => CASES.includes(caseText(result)));
  const groups = groupsOf(drawn);
  if (groups.length === 0) return undefined;
  const bySize = groups.toSorted(
    (one, other) => one.leases - other.leases || one.namespaces - other.namespaces,
  );
  const sizes = distinct(bySize.map(sizeText));
  const cases = CASES.filter((name) => groups.some((group) => group.case === name));
  // Seconds for 1,000 leases are milliseconds for one.
  const costs: readonly (readonly [FigureName, string])[] = [
    ['cpuSecondsPer1000', 'CPU milliseconds per lease'],
    ['writesPerLease', 'writes per lease'],
  ];
  return figureSvg({
    title: 'What a lease costs: processor time of the operator, and writes to the API server',
    legend: sizes,
    columns: 1,
    panels: costs.map(([name, label]) => panelOf(groups, { name, label, sizes, cases })),
    notes: [
      'Bars: medians. Lines on them: from the lowest run to the highest. In steady and storm a cost is that of a rotation.',
      machineText(drawn),
    ],
  });
}

interface Cost {
  readonly name: FigureName;
  readonly label: string;
  /** The series, in the order of their colours. */
  readonly sizes: readonly string[];
  readonly cases: readonly string[];
}

/** The part of a case's place that its bars take. */
const FILLED = 0.8;

function panelOf(groups: readonly Group[], { name, label, sizes, cases }: Cost): Panel {
  const highest = Math.max(0, ...groups.flatMap((group) => figuresOf(group, name)));
  const width = FILLED / sizes.length;
  const barOf = (group: Group): Bar | undefined => {
    const value = medianFigure(group, name);
    if (value === undefined) return undefined;
    const size = sizes.indexOf(sizeText(group));
    const from = cases.indexOf(group.case) + (1 - FILLED) / 2 + size * width;
    return { value, runs: figuresOf(group, name), colour: colour(size), from, width };
  };
  return {
    x: nameAxis(cases),
    y: numberAxis(label, highest * HEADROOM),
    marks: (x, y) => groups.flatMap((group) => barOf(group) ?? []).flatMap((bar) => barSvg(bar, x, y)),
  };
}

/** So much more than the highest value, for the number above it. */
const HEADROOM = 1.08;

interface Bar {
  readonly value: number;
  readonly runs: readonly number[];
  readonly colour: string;
  readonly from: number;
  readonly width: number;
}

function barSvg(bar: Bar, x: Place, y: Place): readonly string[] {
  const [left, right] = [x(bar.from) + 1, x(bar.from + bar.width) - 1];
  const middle = (left + right) / 2;
  const [low, high] = [Math.min(...bar.runs), Math.max(...bar.runs)];
  const top = y(bar.value);
  return [
    element('rect', {
      class: 'bar',
      x: left,
      y: top,
      width: right - left,
      height: y(0) - top,
      fill: bar.colour,
    }),
    ...(low === high
      ? []
      : [element('line', { class: 'range', x1: middle, y1: y(low), x2: middle, y2: y(high), stroke: INK })]),
    text(fixedText(bar.value, 2), middle, y(high) - 5, {
      'text-anchor': 'middle',
      'font-size': 11,
      fill: INK,
    }),
  ];
}
