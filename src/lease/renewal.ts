import { parseServerDuration } from '../api/duration.ts';
import { parseInstant } from '../instant.ts';
import { createdAtOf } from './current.ts';
import type { DecisionInput, ObjectView } from './input.ts';
import { knownDynamicSecret } from './observed.ts';
import type { TrustedLease } from './verdict.ts';

/**
 * Why a lease is not lengthened although the spec asks for it; undefined where it is. Re-leasing works for every type, so
 * any doubt leads there.
 */
export type RenewalObstacle =
  /** A renewal moves the lease's end, but not that of the credentials (docs/lease-api.md). */
  | 'type'
  /** Another ttl would pass the dynamic secret's maximum. */
  | 'maximum'
  /** The server has refused it, or the lease's end is too near, or nobody vouches for the lease. */
  | 'refused';

/** Types of dynamic secrets whose credentials a renewal does not lengthen, or that refuse one. */
export const unlengthened: ReadonlySet<string> = new Set([
  'kubernetes',
  'aws-iam',
  'totp',
  'github',
  'oauth',
  'cassandra',
]);

/** What keeps the lease from being lengthened now. */
export function renewalObstacle(
  input: DecisionInput,
  object: ObjectView,
  current: TrustedLease,
): RenewalObstacle | undefined {
  const secret = dynamicSecretOf(input, object, current);
  if (secret === undefined || unlengthened.has(secret.type)) return 'type';
  if (isDoubtful(input, current)) return 'refused';
  return fits(secret, newEnd(object, current, secret), madeAt(input, object, current))
    ? undefined
    : 'maximum';
}

function isDoubtful({ memory, now, timing }: DecisionInput, { ref, mayRevoke }: TrustedLease): boolean {
  const left = (parseInstant(ref.expireAt) ?? 0) - (now.lease ?? now.kube);
  return !mayRevoke || memory.unrenewable.has(ref.id) || left < timing.renewalGuard;
}

interface Limits {
  readonly type: string;
  readonly defaultTTL?: string | undefined;
  readonly maxTTL?: string | null | undefined;
}

function dynamicSecretOf(
  { memory }: DecisionInput,
  { status }: ObjectView,
  { ref }: TrustedLease,
): Limits | undefined {
  return knownDynamicSecret(memory, ref.id) ?? status.dynamicSecret;
}

/** The end that a renewal would give: it adds to the old one. */
function newEnd({ spec }: ObjectView, { ref }: TrustedLease, { defaultTTL }: Limits): number | undefined {
  const ttl = parseServerDuration(spec.valid ? (spec.value.ttl ?? defaultTTL) : defaultTTL);
  const end = parseInstant(ref.expireAt);
  return ttl === undefined || end === undefined ? undefined : end + ttl;
}

function madeAt(input: DecisionInput, object: ObjectView, { ref }: TrustedLease): number | undefined {
  return parseInstant(createdAtOf(input, object, ref.id));
}

/** Whether an end stays within the maximum, counted from when the lease was made. */
function fits({ maxTTL }: Limits, end: number | undefined, made: number | undefined): boolean {
  if (maxTTL === undefined || maxTTL === null) return true;
  const most = parseServerDuration(maxTTL);
  return most !== undefined && end !== undefined && made !== undefined && end <= made + most;
}
