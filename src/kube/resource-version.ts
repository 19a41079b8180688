const decimal = /^(0|[1-9][0-9]*)$/;

/**
 * Compares two resourceVersions of one resource type as the whole numbers that they are in Kubernetes, of any length.
 *
 * @returns below zero when the first is older, above when it is newer, 0 when they are equal; undefined when one of
 *   them is no whole number, as an aggregated API server might have it: then nothing can be said.
 */
export function compareVersions(one: string, other: string): number | undefined {
  if (one === other) return 0;
  if (!decimal.test(one) || !decimal.test(other)) return undefined;
  if (one.length !== other.length) return one.length - other.length;
  return one < other ? -1 : 1;
}
