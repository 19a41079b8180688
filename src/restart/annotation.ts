import { annotationKey } from '../annotation-key.ts';
import { GROUP } from '../api/names.ts';

/** The prefix of the keys of the annotations by which pod templates are changed. */
export const RESTART_PREFIX = `restart.${GROUP}/`;

/**
 * The key of the annotation on a pod template that says for which lease of an object it was last restarted: each object has
 * its own, so that several never meet, and its value, the lease's id, makes the change idempotent.
 *
 * @param name of the DynamicSecretLease.
 */
export function restartKey(name: string): string {
  return annotationKey(RESTART_PREFIX, name);
}
