import type { Timing } from '../timing.ts';
import { nudgeKey } from './annotation.ts';

/** A pod, as far as a nudge depends on it. */
export interface Pod {
  /** Milliseconds since 1970, cut to whole seconds, by the Kubernetes API's clock. */
  readonly createdAt: number;
  /** It has neither finished nor is it being deleted. */
  readonly runs: boolean;
  /** Names of the Secrets that it mounts as files which follow a change. */
  readonly secrets: readonly string[];
  /** Its annotations that say what it was nudged for. */
  readonly nudges: Readonly<Record<string, string>>;
}

/** New credentials in a Secret. */
export interface NewCredentials {
  /** Name of the Secret. */
  readonly secret: string;
  /** Id of the lease that they are of. */
  readonly lease: string;
  /** When that lease was made: milliseconds since 1970, by the Kubernetes API's clock. */
  readonly madeAt: number;
}

/**
 * Milliseconds for which nudges are still of use. 0: the kubelets have looked by themselves meanwhile.
 *
 * @param now milliseconds since 1970, by the Kubernetes API's clock.
 */
export function timeLeft(
  { madeAt }: Pick<NewCredentials, 'madeAt'>,
  now: number,
  { overlap }: Pick<Timing, 'overlap'>,
): number {
  return Math.max(madeAt + overlap - now, 0);
}

/** The pods that are to be nudged now. */
export function nudgesOf<Seen extends Pod>(
  credentials: NewCredentials,
  pods: readonly Seen[],
  now: number,
  timing: Pick<Timing, 'overlap' | 'clockSlack'>,
): readonly Seen[] {
  if (timeLeft(credentials, now, timing) === 0) return [];
  const { madeAt } = credentials;
  // A younger pod was given the new credentials at its start. In doubt it is nudged: that does no harm.
  return pods.filter((pod) => pod.createdAt <= madeAt + timing.clockSlack && isBehind(pod, credentials));
}

/** Whether a pod shows what was in the Secret before, as far as the pod itself tells. */
export function isBehind(pod: Pod, { secret, lease }: Pick<NewCredentials, 'secret' | 'lease'>): boolean {
  return pod.runs && pod.secrets.includes(secret) && pod.nudges[nudgeKey(secret)] !== lease;
}

/**
 * Milliseconds until another look, after one that was in vain.
 *
 * @param wait until then, in milliseconds.
 * @param left of the time in which nudges are of use.
 * @returns undefined where that would be too late.
 */
export function nextLook(wait: number, left: number): number | undefined {
  return wait < left ? wait : undefined;
}
