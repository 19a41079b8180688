import { parseInstant } from '../instant.ts';
import type { DecisionInput, Failures, ObjectView } from './input.ts';

/** The failures that still count: those of this generation of the object and this revision of its connection. */
export function ownFailures({ memory, connection }: DecisionInput, object: ObjectView): Failures | undefined {
  const { failures } = memory;
  const counts = failures?.generation === object.generation && failures.revision === connection.revision;
  return counts ? failures : undefined;
}

/**
 * How long the status alone holds the next try back, in milliseconds; 0 when it does not. After a restart it is all
 * that is left of a backoff; it speaks of the generation that it observed, and no longer once this process has tried.
 */
export function heldByStatus({ memory, now }: DecisionInput, object: ObjectView): number {
  const { attempts, observedGeneration } = object.status;
  const until = parseInstant(attempts?.nextAt);
  const speaks = !memory.tried && until !== undefined && observedGeneration === object.generation;
  return speaks ? Math.max(until - now.kube, 0) : 0;
}
