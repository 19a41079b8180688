/** From one instant to another; milliseconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What a Secret held, from one change of it to the next. */
export interface Held extends Span {
  /** The lease that its record names; undefined: there is no Secret, or none with a record. */
  readonly lease: string | undefined;
}

/** One login with what a Secret held. */
export interface Login {
  readonly at: number;
  readonly works: boolean;
}

/** What is known of one object, from the first time that it was ready until its deletion. */
export interface Evidence {
  readonly ready: Span;
  readonly held: readonly Held[];
  readonly logins: readonly Login[];
  /** When a credential may be dead: after a tenant's own act, or a revocation by others. */
  readonly excused: readonly Span[];
}

/**
 * When an object's Secret held nothing that opens the database: by the ends of the leases that it named, and by the
 * logins. A run of logins that failed counts from the first of them to the next that worked.
 *
 * @param endOf when a lease ended; Infinity while it lives.
 */
export function deadSpans(
  { ready, held, logins, excused }: Evidence,
  endOf: (lease: string) => number,
): readonly Span[] {
  const named = held.map(({ lease, from, to }) => ({
    from: lease === undefined ? from : Math.max(from, endOf(lease)),
    to,
  }));
  const within = [...named, ...failedLogins(logins, ready.to)].map(({ from, to }) => ({
    from: Math.max(from, ready.from),
    to: Math.min(to, ready.to),
  }));
  return excused.reduce(without, union(within));
}

function failedLogins(logins: readonly Login[], end: number): readonly Span[] {
  const spans: Span[] = [];
  let since: number | undefined;
  for (const { at, works } of logins) {
    if (!works) since ??= at;
    if (!works || since === undefined) continue;
    spans.push({ from: since, to: at });
    since = undefined;
  }
  return since === undefined ? spans : [...spans, { from: since, to: end }];
}

/** The same instants, each once, in order. */
function union(spans: readonly Span[]): readonly Span[] {
  const sorted = spans.filter(({ from, to }) => to > from).toSorted((one, other) => one.from - other.from);
  const merged: Span[] = [];
  for (const span of sorted) {
    const last = merged.at(-1);
    if (last === undefined || span.from > last.to) merged.push(span);
    else merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
  }
  return merged;
}

function without(spans: readonly Span[], excuse: Span): readonly Span[] {
  return spans.flatMap(({ from, to }) =>
    [
      { from, to: Math.min(to, excuse.from) },
      { from: Math.max(from, excuse.to), to },
    ].filter((part) => part.to > part.from),
  );
}

/** The length of all, in whole seconds; whatever is left of one counts as one. */
export function secondsOf(spans: readonly Span[]): number {
  return Math.ceil(spans.reduce((sum, { from, to }) => sum + to - from, 0) / 1000);
}
