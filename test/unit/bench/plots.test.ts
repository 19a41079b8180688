import { describe, expect, test } from 'vitest';

import { fixedText, nameAxis, numberAxis, scale, ticksTo } from '../../../bench/plots/axis.ts';
import { costFigure } from '../../../bench/plots/cost.ts';
import { memoryOverTimeFigure } from '../../../bench/plots/memory-over-time.ts';
import { memoryFigure } from '../../../bench/plots/memory.ts';
import { readinessFigure } from '../../../bench/plots/readiness.ts';
import { colour } from '../../../bench/plots/style.ts';
import { element, polyline, text } from '../../../bench/plots/svg.ts';
import type { Traces } from '../../../bench/saved/run.ts';
import { aSavedRun } from './results.ts';

describe('an axis', () => {
  test.each([
    [100, 7, [0, 20, 40, 60, 80, 100]],
    [61, 7, [0, 10, 20, 30, 40, 50, 60, 70]],
    [0.3, 3, [0, 0.1, 0.2, 0.3]],
    [1.34, 7, [0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4]],
    [9500, 5, [0, 2000, 4000, 6000, 8000, 10_000]],
    [0, 2, [0, 0.5, 1]],
    [Number.NaN, 1, [0, 1]],
  ])('up to %d in about %d steps has round ticks', (highest, about, ticks) => {
    expect(ticksTo(highest, about)).toEqual(ticks);
  });

  test('of numbers ends with a tick, and writes thousands', () => {
    const { end, ticks } = numberAxis('leases', 9_001);
    expect(end).toBe(10_000);
    expect(ticks.at(-1)).toEqual({ at: 10_000, text: '10,000' });
  });

  test('of names has them in the middle of their places', () => {
    expect(nameAxis(['cold', 'delete']).ticks).toEqual([
      { at: 0.5, text: 'cold' },
      { at: 1.5, text: 'delete' },
    ]);
  });

  test('is put onto pixels, upwards too', () => {
    expect(scale(10, 100, 200)(5)).toBe(150);
    expect(scale(10, 200, 100)(1)).toBe(190);
  });

  test('has numbers of as many digits as are asked for', () => {
    expect(fixedText(1234.5, 2)).toBe('1,234.50');
  });
});

describe('an element', () => {
  test('has rounded numbers and nothing that XML would take for its own', () => {
    expect(element('rect', { x: 1.26, fill: '"<&' })).toBe('<rect x="1.3" fill="&quot;&lt;&amp;"/>');
    expect(text('a < b & c', 1, 2)).toBe('<text x="1" y="2">a &lt; b &amp; c</text>');
    expect(polyline([[1, 2.04]], { stroke: 'red' })).toContain('points="1,2" fill="none"');
  });
});

const TAG = /<(\/?)([a-z]+)(?: [a-zA-Z0-9:-]+="[^"<>]*")*(\/?)>/g;

/** Whether each element is well written, and each that is opened is closed, in order. */
function isBalanced(svg: string): boolean {
  const open: string[] = [];
  for (const [, closing, name = '', alone] of svg.matchAll(TAG)) {
    if (closing === '/' && open.pop() !== name) return false;
    if (closing === '' && alone === '') open.push(name);
  }
  return open.length === 0 && !/[<>]/.test(svg.replaceAll(TAG, ''));
}

function count(svg: string | undefined, part: string): number {
  return (svg ?? '').split(part).length - 1;
}

/** The `points` of the first polyline that has a class. */
function pointsOf(svg: string | undefined, name: string): string {
  const [drawn = ''] = (svg ?? '').split('\n').filter((line) => line.includes(`class="${name}"`));
  return /points="([^"]*)"/.exec(drawn)?.[1] ?? '';
}

const traces = (seconds: number): Traces => ({
  readiness: [
    [seconds / 2, 0.5],
    [seconds, 1],
  ],
  memory: [
    [0, 40],
    [seconds, 100],
  ],
});
const runs = [
  ...[8, 10, 9].map((seconds) => aSavedRun({ peakMemoryMiB: 100 + seconds }, traces(seconds))),
  aSavedRun({ namespaces: 100 }, traces(12)),
  aSavedRun({ leases: 10_000, peakMemoryMiB: 400, cpuSecondsPer1000: 3 }, traces(60)),
  aSavedRun({ case: 'delete', cpuSecondsPer1000: 2, writesPerLease: 2 }, traces(5)),
  aSavedRun({ case: 'idle', cpuSecondsPer1000: null, peakMemoryMiB: 90 }, { memory: [[1, 80]] }),
];
const all = [readinessFigure, costFigure, memoryFigure, memoryOverTimeFigure];

describe.each(all.map((figure) => [figure.name, figure] as const))('%s', (_, figure) => {
  const svg = figure(runs) ?? '';

  test('is an SVG of whole elements and real numbers, with a ground of its own', () => {
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="880" height="\d+"/);
    expect(isBalanced(svg)).toBe(true);
    expect(svg).not.toMatch(/NaN|Infinity|undefined|null/);
    expect(svg).toContain('fill="#ffffff"');
    expect(svg.endsWith('</svg>\n')).toBe(true);
  });

  test('is the same each time, and says where it was measured', () => {
    expect(figure(runs)).toBe(svg);
    expect(svg).toContain('Measured on A CPU, 2 cores, 8 GiB; Node v24.0.0.');
  });

  test('is not drawn without runs for it', () => {
    expect(figure([])).toBeUndefined();
    expect(figure([aSavedRun({ case: 'noisy' })])).toBeUndefined();
  });
});

describe('readiness', () => {
  const svg = readinessFigure(runs);

  test('has a panel for each number of leases, and a curve for each cold start', () => {
    expect(count(svg, 'class="panel"')).toBe(2);
    expect(count(svg, '<polyline')).toBe(5);
    expect(count(svg, 'class="legend"')).toBe(2);
    expect(svg).toContain('>10,000 leases<');
    expect(svg).toContain('>100 namespaces<');
  });

  test('has the run in the middle in bold, once for each size', () => {
    expect(count(svg, 'class="median"')).toBe(3);
    // 74 to 424 pixels are 12 seconds, 342 to 90 are 100 %: the middle run takes 9 s.
    expect(pointsOf(svg, 'median')).toBe('74,342 205.3,342 205.3,216 336.5,90');
  });
});

describe('cost', () => {
  const svg = costFigure(runs) ?? '';

  test('has a bar for each size and case that has the figure, and the medians above them', () => {
    expect(count(svg, 'class="panel"')).toBe(2);
    expect(count(svg, 'class="bar"')).toBe(8);
    expect(svg).toContain('>4.00<');
    expect(svg).not.toContain('idle');
  });

  test('has a line from the lowest run to the highest, where they differ', () => {
    expect(count(svg, 'class="range"')).toBe(0);
    const more = [...runs, aSavedRun({ case: 'delete', cpuSecondsPer1000: 3, writesPerLease: 2 })];
    expect(count(costFigure(more), 'class="range"')).toBe(1);
    expect(costFigure(more)).toContain('>2.50<');
  });
});

describe('memory', () => {
  const svg = memoryFigure(runs);

  test('has a point for each run, and a line where there are two sizes', () => {
    expect(count(svg, '<circle')).toBe(6);
    expect(count(svg, '<polyline')).toBe(1);
    expect(count(svg, 'class="legend"')).toBe(3);
    // 74 to 852 pixels are 10,000 leases; 342 to 90 are 400 MiB; the median of 108, 109 and 110 is 109.
    expect(pointsOf(svg, 'median')).toBe('151.8,273.3 852,90');
  });

  test('over time has a panel for each case, and a curve for each run with samples', () => {
    const time = memoryOverTimeFigure([...runs, aSavedRun()]);
    expect(count(time, 'class="panel"')).toBe(2);
    expect(count(time, '<polyline')).toBe(6);
    expect(time).toContain(`stroke="${colour(0)}"`);
  });
});

test('runs of several machines are said to be that', () => {
  const [one = aSavedRun()] = runs;
  const other = { ...one, machine: { ...one.machine, cores: 8 } };
  expect(readinessFigure([one, other])).toContain('Measured on several machines, or versions.');
});
