export interface Tick {
  readonly at: number;
  readonly text: string;
}

/** What an axis shows: from 0, where all of a bench's quantities begin, to an end. */
export interface Axis {
  readonly label: string;
  readonly end: number;
  readonly ticks: readonly Tick[];
  /** Whether lines go through the ticks. */
  readonly grid: boolean;
}

/** An axis of numbers whose end is the first tick that nothing exceeds. @param about how many steps there should be */
export function numberAxis(label: string, highest: number, about = 7): Axis {
  const at = ticksTo(highest, about);
  const ticks = at.map((one) => ({ at: one, text: numberText(one) }));
  return { label, end: at.at(-1) ?? 1, ticks, grid: true };
}

/** An axis of names: the one at `index` has the place from `index` to `index + 1`. */
export function nameAxis(names: readonly string[]): Axis {
  const ticks = names.map((name, index) => ({ at: index + 0.5, text: name }));
  return { label: '', end: names.length, ticks, grid: false };
}

/** From 0 on in steps of 1, 2 or 5 times a power of ten, to the first that is not below the highest value. */
export function ticksTo(highest: number, about: number): readonly number[] {
  const top = Number.isFinite(highest) && highest > 0 ? highest : 1;
  const wanted = top / about;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= wanted) ?? 10);
  // What floating point adds to a quotient must not make a step of its own.
  const steps = Math.ceil(Number((top / step).toFixed(9)));
  return Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** Puts a range that begins at 0 onto pixels. */
export function scale(end: number, from: number, to: number): (value: number) => number {
  return (value) => from + (value / end) * (to - from);
}

/** `10,000`, `2.5`: the same on every machine. */
export function numberText(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 6 });
}

/** `10,000.0`: always so many digits after the point. */
export function fixedText(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
