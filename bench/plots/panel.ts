import { scale, type Axis } from './axis.ts';
import { AXIS, GRID, INK, MUTED } from './style.ts';
import { element, text } from './svg.ts';

/** A diagram with axes of its own; a figure has one or more. */
export interface Panel {
  /** Default: none. */
  readonly title?: string;
  readonly x: Axis;
  readonly y: Axis;
  /** What stands between the axes. Takes where a value is, in pixels. */
  readonly marks: (x: Place, y: Place) => readonly string[];
}

export type Place = (value: number) => number;

/** The place of a panel with all that belongs to it, in pixels. */
export interface Cell {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What the texts around the axes need, in pixels. */
const INSET = { left: 62, right: 16, top: 26, bottom: 42 } as const;

export function panelSvg({ title, x, y, marks }: Panel, cell: Cell): string {
  const [left, right] = [cell.left + INSET.left, cell.left + cell.width - INSET.right];
  const [top, bottom] = [cell.top + INSET.top, cell.top + cell.height - INSET.bottom];
  const [toX, toY] = [scale(x.end, left, right), scale(y.end, bottom, top)];
  const middle = { 'text-anchor': 'middle' };
  const [centre, half] = [(left + right) / 2, (top + bottom) / 2];
  const sideways = cell.left + 14;
  return element('g', { class: 'panel' }, [
    ...(title === undefined
      ? []
      : [text(title, left, top - 10, { 'font-weight': 'bold', 'font-size': 13, fill: INK })]),
    ...gridLines(x, (at) => line(toX(at), top, toX(at), bottom)),
    ...gridLines(y, (at) => line(left, toY(at), right, toY(at))),
    ...x.ticks.map((tick) => text(tick.text, toX(tick.at), bottom + 17, { ...middle, fill: MUTED })),
    ...y.ticks.map((tick) =>
      text(tick.text, left - 7, toY(tick.at) + 4, { 'text-anchor': 'end', fill: MUTED }),
    ),
    ...(x.label === '' ? [] : [text(x.label, centre, bottom + 35, { ...middle, fill: INK })]),
    text(y.label, sideways, half, {
      ...middle,
      fill: INK,
      transform: `rotate(-90 ${String(sideways)} ${String(half)})`,
    }),
    ...marks(toX, toY),
    element('path', { d: axes(left, right, top, bottom), fill: 'none', stroke: AXIS }),
  ]);
}

function gridLines({ ticks, grid }: Axis, draw: (at: number) => string): readonly string[] {
  return grid ? ticks.map(({ at }) => draw(at)) : [];
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return element('line', { x1, y1, x2, y2, stroke: GRID });
}

/** The two axes as one path, from the top of the one to the right end of the other. */
function axes(left: number, right: number, top: number, bottom: number): string {
  const [one, other, high, low] = [left, right, top, bottom].map((value) => value.toFixed(1));
  return `M${String(one)} ${String(high)}V${String(low)}H${String(other)}`;
}
