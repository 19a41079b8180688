import { annotationKey } from '../annotation-key.ts';
import { GROUP } from '../api/names.ts';

/** The prefix of the keys of the annotations by which pods are nudged. */
export const NUDGE_PREFIX = `nudge.${GROUP}/`;

/**
 * The key of the annotation on a pod that says for which lease in a Secret it was last nudged. Its value, the lease's id,
 * makes the change idempotent.
 *
 * @param secret name of the Secret.
 */
export function nudgeKey(secret: string): string {
  return annotationKey(NUDGE_PREFIX, secret);
}
