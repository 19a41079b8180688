import { parseInstant } from '../../instant.ts';
import type { NewCredentials } from '../../nudge/plan.ts';
import type { LeaseRecord } from '../ports.ts';

/** Credentials that pods are to be nudged for, should they be new. */
export interface Wish extends Omit<NewCredentials, 'madeAt'> {
  /** When their lease was made: milliseconds since 1970, by the clock of its server. */
  readonly createdAt: number;
}

/** What an object asks to nudge pods for; undefined where it asks for nothing. */
export function wishOf({ deletedAt, spec, status }: LeaseRecord): Wish | undefined {
  if (deletedAt !== undefined || !spec.valid || spec.value.suspend === true) return undefined;
  if (spec.value.secret?.propagation !== 'Nudge') return undefined;
  const { lease, secret } = status;
  const createdAt = parseInstant(lease?.createdAt);
  if (lease === undefined || secret === undefined || createdAt === undefined) return undefined;
  return { secret: secret.name, lease: lease.id, createdAt };
}
