import { parseInstant } from '../instant.ts';
import type { DecisionInput, Failures, SourcesView } from './input.ts';

/** The failures that still count: those of this generation of the object, this connection and these sources. */
export function ownFailures({ object, memory, connection, sources }: DecisionInput): Failures | undefined {
  const { failures } = memory;
  const counts =
    failures?.generation === object.generation &&
    failures.revision === connection.revision &&
    failures.sources === sourcesText(sources);
  return counts ? failures : undefined;
}

/** The versions of the sources as text, to tell whether they have changed since. */
export function sourcesText(sources: SourcesView): string {
  if (sources.state === 'refused') return sources.fault.code;
  const texts = sources.sources.map(
    ({ input, uid, resourceVersion }) => `${input}=${uid}/${resourceVersion}`,
  );
  return texts.toSorted().join(' ');
}

/** Milliseconds until the next try is due; 0 when nothing holds it back. */
export function heldBack(input: DecisionInput): number {
  const failures = ownFailures(input);
  const left = failures === undefined ? heldByStatus(input) : failures.nextAt - input.now.elapsed;
  return Math.max(left, 0);
}

/**
 * How long the status alone holds the next try back, in milliseconds; 0 when it does not. After a restart it is all
 * that is left of a backoff; it speaks of the generation that it observed, and no longer once this process has tried.
 */
export function heldByStatus({ object: { status, generation }, memory, now }: DecisionInput): number {
  if (memory.tried === true || memory.failures !== undefined || status.observedGeneration !== generation)
    return 0;
  const until = parseInstant(status.attempts?.nextAt);
  return until === undefined ? 0 : Math.max(until - now.kube, 0);
}
