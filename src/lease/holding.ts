import type { Attempts } from '../api/dynamic-secret-lease.ts';
import type { FaultCode } from '../errors.ts';
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
export function heldByStatus(input: DecisionInput, object: ObjectView): number {
  const until = parseInstant(attemptsBefore(input, object)?.nextAt);
  return until === undefined ? 0 : Math.max(until - input.now.kube, 0);
}

/**
 * Why the Secret could not be written before a restart. The next lease could share the fate of the one that was lost by
 * it, so a write without effect comes first.
 */
export function blockedByStatus(input: DecisionInput, object: ObjectView): FaultCode | undefined {
  const reason = attemptsBefore(input, object)?.reason;
  return unwritten.find((code) => code === reason);
}

/** What a write of the Secret, or its dry run, fails with. Credentials that no Secret can hold are not tried dry. */
const unwritten: readonly FaultCode[] = [
  'SecretConflict',
  'SecretRefused',
  'SecretNotWritten',
  'KubernetesUnavailable',
];

/** What the status says of failures, while this process knows nothing newer. */
function attemptsBefore({ memory }: DecisionInput, { status, generation }: ObjectView): Attempts | undefined {
  return memory.tried || status.observedGeneration !== generation ? undefined : status.attempts;
}
