import { parseServerDuration } from '../api/duration.ts';
import type { MetadataEntry } from './declared.ts';

/** Whether two texts are the same duration (`1h` and `60m`), or the same text where one is none; absent is null. */
export function sameDuration(one: string | null | undefined, other: string | null | undefined): boolean {
  const [first, second] = [parseServerDuration(one), parseServerDuration(other)];
  return first === undefined || second === undefined ? (one ?? null) === (other ?? null) : first === second;
}

/** Whether two lists of metadata say the same, in whatever order. */
export function sameMetadata(one: readonly MetadataEntry[], other: readonly MetadataEntry[]): boolean {
  return sameJson(sorted(one), sorted(other));
}

function sorted(entries: readonly MetadataEntry[]): readonly string[] {
  return entries.map(({ key, value }) => JSON.stringify([key, value])).toSorted();
}

/** Whether two values are the same as JSON. A member that is null is as one that is absent: a store may drop it. */
export function sameJson(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value).filter(([, one]) => one !== undefined && one !== null);
  const texts = members.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`);
  return `{${texts.toSorted().join(',')}}`;
}
