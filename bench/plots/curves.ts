import type { Point } from '../figures/points.ts';
import type { SavedRun } from '../saved/line.ts';
import { middleRun } from './groups.ts';
import type { Place } from './panel.ts';
import { polyline } from './svg.ts';

export interface Curves {
  readonly runs: readonly SavedRun[];
  readonly colour: string;
  /** The points of a run. */
  readonly pointsOf: (run: SavedRun) => readonly Point[];
  /** By what the run in the middle is found. */
  readonly measure: (run: SavedRun) => number;
}

/** A thin curve for each run and a bold one, on top, for the run in the middle. */
export function curvesSvg(
  { runs, colour, pointsOf, measure }: Curves,
  x: Place,
  y: Place,
): readonly string[] {
  const drawn = runs.filter((run) => pointsOf(run).length > 0);
  const middle = middleRun(drawn, measure);
  const draw = (run: SavedRun): string => {
    const look = run === middle ? BOLD : THIN;
    const places = pointsOf(run).map(([seconds, value]) => [x(seconds), y(value)] as const);
    return polyline(places, { ...look, stroke: colour });
  };
  const others = drawn.filter((run) => run !== middle);
  return [...others, ...(middle === undefined ? [] : [middle])].map(draw);
}

const BOLD = { class: 'median', 'stroke-width': '2.4' } as const;
const THIN = { class: 'run', 'stroke-width': '1', 'stroke-opacity': '0.4' } as const;

/** The seconds of the last point of all curves. */
export function lastSecond(curves: readonly (readonly Point[])[]): number {
  return Math.max(0, ...curves.map((points) => points.at(-1)?.[0] ?? 0));
}

/** What a reader must know of curves like these. */
export const CURVES_NOTE = 'Thin: each run. Bold: the run in the middle.';
