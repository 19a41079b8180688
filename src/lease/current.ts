import type { CurrentLease as ReportedLease } from '../api/dynamic-secret-lease.ts';
import type { LeaseRef } from '../api/lease.ts';
import type { SecretRecord } from '../api/record.ts';
import { parseInstant } from '../instant.ts';
import type { DecisionInput, ObjectView } from './input.ts';
import { jitterOf, leastUse, rotationTime, type LeaseSpan } from './schedule.ts';
import { meets, targetOfRef, type Wanted } from './target.ts';

/**
 * The lease that the Secret's record names, and whether it may be believed (I3: status, this process's memory or the
 * server's own word must agree with it; a tenant can edit a Secret).
 */
export type CurrentLease =
  | { readonly state: 'none' }
  /** The record is readable and nothing vouches for it yet. */
  | { readonly state: 'unwitnessed'; readonly record: SecretRecord }
  /** The server knows nothing of it, or knows it as somebody else's. */
  | { readonly state: 'disowned'; readonly record: SecretRecord }
  /** `mayRevoke` is false where only the record says that it is ours: such a lease is left to end. */
  | {
      readonly state: 'trusted';
      readonly ref: LeaseRef;
      readonly record: SecretRecord;
      readonly mayRevoke: boolean;
    };

/** Weighs the record in the Secret. */
export function currentLease(input: DecisionInput): CurrentLease {
  const record = input.secret.state === 'ours' ? input.secret.record : undefined;
  if (record === undefined) return { state: 'none' };
  const witness = witnessOf(input, record.lease);
  switch (witness) {
    case 'none':
      return { state: 'unwitnessed', record };
    case 'against':
      return { state: 'disowned', record };
    case 'record-alone':
      return { state: 'trusted', ref: atLatest(input, record.lease), record, mayRevoke: false };
    default:
      return { state: 'trusted', ref: atLatest(input, witness), record, mayRevoke: true };
  }
}

/**
 * Who vouches for a lease id. A Ref is taken from the witness, not from the record: a tenant may have left the id and
 * changed the rest.
 */
function witnessOf(input: DecisionInput, { id }: LeaseRef): LeaseRef | 'against' | 'record-alone' | 'none' {
  const issued = input.memory.known.get(id);
  if (issued !== undefined) return issued.ref;
  if (isForeign(input, id)) return 'against';
  switch (input.memory.attestations.get(id)?.verdict) {
    case 'unattested':
      return 'record-alone';
    case 'forged':
    case 'gone':
      return 'against';
    default:
      return witnessOfStatus(input, id);
  }
}

function witnessOfStatus({ object }: DecisionInput, id: string): LeaseRef | 'record-alone' | 'none' {
  const reported = object?.status.lease;
  if (reported?.id !== id) return 'none';
  // The status repeats what the record said, and says so: it is no witness of its own.
  return isAttested(reported) ? leaseRefOf(reported) : 'record-alone';
}

/** The server's own tag says that a lease is another's: of another installation, or of another object. */
export function isForeign({ memory, object, install }: DecisionInput, id: string): boolean {
  const tag = memory.known.has(id) ? undefined : memory.sighted.get(id)?.tag;
  return (
    tag !== undefined && (tag.install !== install || (object !== undefined && tag.object !== object.uid))
  );
}

/** The lease with the latest end that is known of it: the server lengthens leases, and never shortens one. */
export function atLatest({ memory }: DecisionInput, ref: LeaseRef): LeaseRef {
  const ends = [ref.expireAt, memory.known.get(ref.id)?.ref.expireAt, memory.sighted.get(ref.id)?.expireAt];
  const latest = ends.reduce<string>(
    (one, other) =>
      other !== undefined && (parseInstant(other) ?? 0) > (parseInstant(one) ?? 0) ? other : one,
    ref.expireAt,
  );
  return latest === ref.expireAt ? ref : { ...ref, expireAt: latest };
}

/** Whether the lease in the status is known to be this object's, and not only by what the Secret's record says. */
export function isAttested(reported: ReportedLease | undefined): reported is ReportedLease {
  return reported !== undefined && reported.attested !== false;
}

/** Just the Ref of something that extends one. */
export function leaseRefOf(wider: LeaseRef): LeaseRef {
  const { id, expireAt, attempt, connection, dynamicSecretId } = wider;
  const named = dynamicSecretId === undefined ? {} : { dynamicSecretId };
  return { id, expireAt, attempt, connection, ...targetOfRef(wider), ...named };
}

/**
 * Whether the lease in use is one of what is wanted; see {@link meets}. What the server has told of it, or the status
 * repeats, tells its dynamic secret too. One that was just asked for by the id that is wanted stays, whatever id the answer
 * had: until the DynamicSecret tells that one, another lease would have the same.
 */
export function isOnTarget(
  { memory }: DecisionInput,
  { status }: ObjectView,
  ref: LeaseRef,
  { wanted, host }: { readonly wanted: Wanted; readonly host: string },
): boolean {
  const known = memory.known.get(ref.id);
  const shown = known?.lease ?? memory.sighted.get(ref.id);
  const told = memory.dynamicSecret ?? status.dynamicSecret;
  if (meets(ref, wanted, host, shown?.dynamicSecretId ?? told?.id)) return true;
  const { askedFor } = known ?? {};
  return askedFor !== undefined && meets({ ...ref, dynamicSecretId: askedFor }, wanted, host);
}

/**
 * Whether a lease is past its end by the server's clock, or by the Kubernetes API's where that one is not known. An end
 * that cannot be read has not been reached: such a lease is revoked rather than forgotten.
 */
export function hasEnded(ref: LeaseRef, now: DecisionInput['now'], slack: number): boolean {
  const end = parseInstant(ref.expireAt);
  return end !== undefined && (now.lease ?? now.kube) >= end + slack;
}

/** When the server made a lease, as text, as far as this process or the status knows. */
export function createdAtOf(
  { memory }: DecisionInput,
  { status }: ObjectView,
  id: string,
): string | undefined {
  const shown = memory.known.get(id)?.lease ?? memory.sighted.get(id);
  if (shown !== undefined) return shown.createdAt;
  return status.lease?.id === id ? status.lease.createdAt : undefined;
}

function renewedAtOf({ memory }: DecisionInput, { status }: ObjectView, id: string): string | undefined {
  return memory.known.get(id)?.renewedAt ?? (status.lease?.id === id ? status.lease.renewedAt : undefined);
}

/**
 * The span of the current lease: its end from the Ref, its beginning from what this process or the status knows; that of
 * a lease that was lengthened begins then. A beginning that nobody knows counts as now, so that the lease is used for a
 * part of what is left of it.
 */
export function spanOf(input: DecisionInput, object: ObjectView, ref: LeaseRef): LeaseSpan {
  const now = input.now.lease ?? input.now.kube;
  const begun =
    parseInstant(renewedAtOf(input, object, ref.id)) ??
    parseInstant(createdAtOf(input, object, ref.id)) ??
    now;
  const expireAt = parseInstant(ref.expireAt) ?? now;
  // A lease without a life of its own comes from a server that does not tell when it began.
  return { createdAt: begun < expireAt ? begun : now, expireAt };
}

/**
 * When the current lease is to be replaced. What the status says stands (a changed `rotation.before` acts at the next
 * rotation); it is computed where the status does not speak of this lease, or of this end of it, yet.
 */
export function rotateAtOf(input: DecisionInput, object: ObjectView, ref: LeaseRef): number {
  const reported = object.status.lease;
  const same = reported?.id === ref.id && reported.expireAt === ref.expireAt;
  const written = same ? parseInstant(object.status.rotateAt) : undefined;
  if (written !== undefined) return written;
  const before = object.spec.valid ? object.spec.value.rotation?.before : undefined;
  return rotationTime(spanOf(input, object, ref), before, jitterOf(object.uid), input.timing);
}

/** Milliseconds until the lease was used for so long that its age may be a reason for another; see {@link leastUse}. */
export function untilUsed(input: DecisionInput, object: ObjectView, ref: LeaseRef): number {
  const issuedAt = input.memory.known.get(ref.id)?.issuedAt;
  if (issuedAt === undefined) return 0;
  const { createdAt, expireAt } = spanOf(input, object, ref);
  return Math.max(issuedAt + leastUse(expireAt - createdAt, input.timing) - input.now.elapsed, 0);
}
