/** Of a figure, in pixels: as wide as the page that it stands on. */
export const WIDTH = 880;

export const INK = '#1f2328';
export const MUTED = '#59636e';
export const GRID = '#e4e7eb';
export const AXIS = '#8c959f';
/** A figure brings its own ground, so that its ink is readable on a dark page, too. */
export const GROUND = '#ffffff';

/** Colours that those can tell apart who see no red or no green, too (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;

/** The colour of a series, by its place in the legend; after the last one they begin again. */
export function colour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? INK;
}
