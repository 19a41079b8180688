import type { CurrentLease as ReportedLease, LeaseStatus } from '../api/dynamic-secret-lease.ts';
import type { Lease, LeaseRef } from '../api/lease.ts';
import type { CurrentLease } from './current.ts';
import type { DecisionInput, ObjectView } from './input.ts';
import { secretNameOf, type TrustedLease } from './verdict.ts';

/** The lease in the Secret, and what the server said of it last. */
export function reportedLease(
  input: DecisionInput,
  object: ObjectView,
  current: TrustedLease,
): ReportedLease {
  const { ref, mayRevoke } = current;
  const shown = input.memory.sighted.get(ref.id) ?? input.memory.known.get(ref.id)?.lease;
  const before = object.status.lease?.id === ref.id ? object.status.lease : undefined;
  if (shown !== undefined)
    return { ...attested(ref, mayRevoke), ...detailsOf(shown), ...renewalsOf(input, ref, before) };
  return before === undefined ? attested(ref, mayRevoke) : { ...before, ...ref };
}

function renewalsOf(
  { memory }: DecisionInput,
  { id }: LeaseRef,
  before: ReportedLease | undefined,
): Pick<ReportedLease, 'renewedAt' | 'renewals'> {
  const known = memory.known.get(id);
  return tidy({
    renewedAt: known?.renewedAt ?? before?.renewedAt,
    renewals: known?.renewals ?? before?.renewals,
  });
}

function attested(ref: LeaseRef, is: boolean): ReportedLease {
  return is ? ref : { ...ref, attested: false };
}

function detailsOf(lease: Lease): Partial<ReportedLease> {
  const hasConfig = lease.config !== undefined && Object.keys(lease.config).length > 0;
  return tidy({
    version: lease.version,
    externalEntityId: lease.externalEntityId,
    status: lease.status ?? undefined,
    statusDetails: lease.statusDetails ?? undefined,
    config: hasConfig ? { ...lease.config } : undefined,
    createdAt: lease.createdAt,
    updatedAt: lease.updatedAt,
  });
}

/**
 * What this process knows of the dynamic secret of a lease: as a list has shown it last, unless that was of the lease before
 * it, of another dynamic secret.
 */
export function knownDynamicSecret(
  { dynamicSecret, known }: DecisionInput['memory'],
  id: string | undefined,
): DecisionInput['memory']['dynamicSecret'] {
  const issued = id === undefined ? undefined : known.get(id)?.dynamicSecret;
  return issued === undefined || dynamicSecret?.id === issued.id ? dynamicSecret : issued;
}

/** The dynamic secret of that lease. */
export function reportedDynamicSecret(
  { memory }: DecisionInput,
  object: ObjectView,
  current: CurrentLease,
): LeaseStatus['dynamicSecret'] {
  const known = knownDynamicSecret(memory, current.state === 'trusted' ? current.ref.id : undefined);
  if (known === undefined) return object.status.dynamicSecret;
  const { id, name, type, version, defaultTTL } = known;
  return tidy({
    id,
    name,
    type,
    version,
    defaultTTL,
    maxTTL: known.maxTTL ?? undefined,
    status: known.status ?? undefined,
    statusDetails: known.statusDetails ?? undefined,
  });
}

/** Our last write of the Secret. */
export function reportedSecret(input: DecisionInput, object: ObjectView): LeaseStatus['secret'] {
  const { secret, memory } = input;
  if (secret.state !== 'ours') return object.status.secret;
  const name = secretNameOf(object);
  if (memory.written?.uid === secret.uid) return { name, ...memory.written };
  // Written by others since: only what holds our data is reported as ours.
  if (secret.data !== 'intact') return object.status.secret;
  const reported = object.status.secret;
  // A Secret of a write that this process does not remember: as far as anybody knows, that write was the last.
  return reported?.uid === secret.uid
    ? reported
    : { name, uid: secret.uid, resourceVersion: secret.resourceVersion };
}

/** The same object without the keys whose value is undefined: JSON has none. */
export function tidy<Value extends object>(
  value: Value,
): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Value]: Exclude<Value[Key], undefined> };
}
