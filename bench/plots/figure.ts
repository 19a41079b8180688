import { panelSvg, type Panel } from './panel.ts';
import { colour, GROUND, INK, MUTED, WIDTH } from './style.ts';
import { element, escaped, text } from './svg.ts';

/** A figure: panels that share a title and a legend. */
export interface Figure {
  readonly title: string;
  /** What the colours mean, in their order. */
  readonly legend: readonly string[];
  readonly panels: readonly Panel[];
  /** How many panels stand side by side, 1 or 2. One alone takes the whole width. */
  readonly columns: number;
  /** How it is to be read, and where the figures come from: a line each. */
  readonly notes: readonly string[];
}

const MARGIN = 12;
const PANEL_HEIGHT = 320;
const LINE = 20;
/** Of the title, down to the first line of the legend. */
const HEAD = 52;
/** A letter of 12 pixels is so wide on the average: who draws without a browser cannot measure text. */
const LETTER = 6.6;
/** The coloured square of an entry with its gaps. */
const SWATCH = 36;

export function figureSvg({ title, legend, panels, columns, notes }: Figure): string {
  const entries = legendSvg(legend);
  const start = HEAD + entries.rows * LINE - 8;
  const beside = Math.min(columns, panels.length);
  const width = (WIDTH - 2 * MARGIN) / beside;
  const end = start + Math.ceil(panels.length / beside) * PANEL_HEIGHT;
  const height = end + notes.length * LINE + MARGIN;
  const root = {
    xmlns: 'http://www.w3.org/2000/svg',
    width: WIDTH,
    height,
    viewBox: `0 0 ${String(WIDTH)} ${String(height)}`,
    role: 'img',
    'font-family': 'sans-serif',
    'font-size': 12,
  };
  const drawn = panels.map((panel, index) => {
    const [row, column] = [Math.floor(index / beside), index % beside];
    const place = { left: MARGIN + column * width, top: start + row * PANEL_HEIGHT };
    return panelSvg(panel, { ...place, width, height: PANEL_HEIGHT });
  });
  const body = [
    `<title>${escaped(title)}</title>`,
    element('rect', { width: WIDTH, height, rx: 6, fill: GROUND }),
    text(title, MARGIN + 4, 28, { 'font-size': 16, 'font-weight': 'bold', fill: INK }),
    ...entries.drawn,
    ...drawn,
    ...notes.map((note, index) =>
      text(note, MARGIN + 4, end + 12 + index * LINE, { 'font-size': 11, fill: MUTED }),
    ),
  ];
  return `${element('svg', root, body)}\n`;
}

/** The entries one after the other, on as many lines as they need. */
function legendSvg(legend: readonly string[]): { readonly drawn: readonly string[]; readonly rows: number } {
  const drawn: string[] = [];
  let [x, row] = [MARGIN + 4, 0];
  for (const [index, name] of legend.entries()) {
    const width = SWATCH + name.length * LETTER;
    if (x > MARGIN + 4 && x + width > WIDTH - MARGIN) [x, row] = [MARGIN + 4, row + 1];
    const y = HEAD + row * LINE;
    drawn.push(
      element('g', { class: 'legend' }, [
        element('rect', { x, y: y - 10, width: 12, height: 12, rx: 2, fill: colour(index) }),
        text(name, x + 18, y, { fill: INK }),
      ]),
    );
    x += width;
  }
  return { drawn, rows: legend.length === 0 ? 0 : row + 1 };
}
