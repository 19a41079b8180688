/**
 * Instants as the two APIs write them: RFC 3339 text outside, milliseconds since 1970 inside. Nothing here reads a
 * clock; the `Date` global is used for its calendar only.
 */

/** RFC 3339 with its offset, or the form that HTTP's `Date` has. `Date.parse` alone reads much that is no instant. */
const forms = [
  /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/,
  /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
];

/**
 * Reads an instant.
 *
 * @returns milliseconds since 1970, or undefined where the text is missing or no instant.
 */
export function parseInstant(text: string | undefined): number | undefined {
  if (text === undefined || !forms.some((form) => form.test(text))) return undefined;
  const instant = Date.parse(text);
  return Number.isFinite(instant) ? instant : undefined;
}

/** Writes an instant in UTC with whole seconds, as Kubernetes' `metav1.Time` does. */
export function formatInstant(instant: number): string {
  return new Date(Math.floor(instant / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

/** Writes an instant in UTC with six digits of a second, as Kubernetes' `metav1.MicroTime` does. */
export function formatMicroInstant(instant: number): string {
  return new Date(instant).toISOString().replace('Z', '000Z');
}
