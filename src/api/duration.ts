import ms from 'ms';
import type { z } from 'zod';

import { matches, ruledText } from './rule.ts';

/** The one duration grammar: a whole number from 1 and one unit. What both `ms` and a person read alike. */
export const DURATION_PATTERN = '^[1-9][0-9]{0,8}(s|m|h|d|w|y)$';

const pattern = new RegExp(DURATION_PATTERN);

/** Seconds in each unit, as the lease API counts them: a year is 365.25 days. */
export const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_557_600 } as const;

/** More than the grammar needs, so that a longer mistake is answered by the sentence about it, too. */
const MOST_CHARACTERS = 32;

/**
 * Reads a duration.
 *
 * @returns milliseconds, or undefined where the text does not keep to the grammar.
 */
export function parseDuration(text: string): number | undefined {
  return pattern.test(text) ? ms(text as ms.StringValue) : undefined;
}

/**
 * Reads a duration as the server writes it: anything that the `ms` package reads, such as `1h`, `1 hour` or `90000`.
 *
 * @returns milliseconds, or undefined where it is none.
 */
export function parseServerDuration(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || text === '' || text.length > MOST_CHARACTERS) return undefined;
  const parsed: number | undefined = ms(text as ms.StringValue);
  return parsed !== undefined && Number.isFinite(parsed) && parsed > 0 ? parsed : undefined;
}

/** The grammar in CEL, of a value such as `self`. */
const keepsTo = (value: string): string => matches(value, DURATION_PATTERN);

/** The seconds in CEL of a value that keeps to the grammar. */
const secondsOf = (value: string): string =>
  `int(${value}.substring(0, ${value}.size() - 1)) * {${Object.entries(UNIT_SECONDS)
    .map(([unit, seconds]) => `'${unit}': ${String(seconds)}`)
    .join(', ')}}[${value}.substring(${value}.size() - 1)]`;

/** CEL for: one duration is at least another; true where one of them is no duration, which its own rule says. */
export function atLeast(value: string, least: string): string {
  return `!(${keepsTo(value)} && ${keepsTo(least)}) || ${secondsOf(value)} >= ${secondsOf(least)}`;
}

/** A duration between two bounds (both allowed), checked by the API server and here by the same rule. */
export function duration(field: string, least: string, most: string): z.ZodString {
  const [low, high] = [inSeconds(least), inSeconds(most)];
  return ruledText({
    field,
    must: `must be a whole number and one of the units s, m, h, d, w, y (90m, not 1h30m), from ${least} to ${most}`,
    most: MOST_CHARACTERS,
    cel: `${keepsTo('self')} && ${secondsOf('self')} >= ${String(low)} && ${secondsOf('self')} <= ${String(high)}`,
    holds: (text) => within(text, low, high),
  });
}

/** `rotation.before`: a share of the lease's life, or a duration. */
export function shareOrDuration(field: string): z.ZodString {
  const percent = '^([1-9]|[1-8][0-9]|90)%$';
  const share = new RegExp(percent);
  return ruledText({
    field,
    must: "must be a share of the lease's life from 1% to 90%, or a duration such as 10m",
    most: MOST_CHARACTERS,
    cel: `${matches('self', percent)} || ${keepsTo('self')}`,
    holds: (text) => share.test(text) || pattern.test(text),
  });
}

function inSeconds(text: string): number {
  const parsed = parseDuration(text);
  if (parsed === undefined) throw new RangeError(`${text} is not a duration.`);
  return parsed / 1000;
}

function within(text: string, low: number, high: number): boolean {
  const parsed = parseDuration(text);
  return parsed !== undefined && parsed >= low * 1000 && parsed <= high * 1000;
}
