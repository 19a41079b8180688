import type { DynamicSecretRecord } from '../ports.ts';
import type { DynamicSecretPass } from './context.ts';
import type { Unwritten } from './memory.ts';

/** An object in a pass: as it is stored, and as it is with what is known and not written yet. */
export interface Subject {
  readonly stored: DynamicSecretRecord;
  readonly known: DynamicSecretRecord;
}

/**
 * The object of a pass; undefined where it is gone, which it counts as when there is another one of its name, and when it
 * is being deleted and our finalizer no longer holds it.
 */
export function subjectOf(pass: DynamicSecretPass): Subject | undefined {
  const stored = pass.cluster.dynamicSecrets.get(pass.key);
  if (stored?.uid !== pass.uid || pass.memory().released) return undefined;
  if (stored.deletedAt !== undefined && !stored.hasFinalizer) return undefined;
  const status = withUnwritten(stored.status, pass.memory().unwritten);
  return { stored, known: { ...stored, status } };
}

/** A status with what is known and not written yet. */
export function withUnwritten(
  status: DynamicSecretRecord['status'],
  unwritten: Unwritten,
): DynamicSecretRecord['status'] {
  const parts = Object.entries({ ...status, ...unwritten });
  return Object.fromEntries(parts.filter(([, part]) => part !== undefined));
}
