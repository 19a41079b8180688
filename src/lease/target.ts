import type { LeasePlace } from '../api/asked.ts';
import type { ConnectionRef } from '../api/connection-ref.ts';
import type { DynamicSecretStatus } from '../api/dynamic-secret.ts';
import type { DeclaredLeaseSpec } from '../api/dynamic-secret-lease.ts';
import { connectionKinds, type ConnectionIdentity, type Target } from '../api/lease.ts';
import { fault, type Fault } from '../errors.ts';

/** What an object leases from, and by which connection. */
export interface Wanted {
  /** By the name that the dynamic secret has now. */
  readonly target: Target;
  readonly connectionRef: ConnectionRef;
  /** The server's id of the dynamic secret, which no rename changes: where a DynamicSecret declares it and has seen it. */
  readonly dynamicSecretId?: string;
  /** The DynamicSecret that declares it. Absent where the spec names the target itself. */
  readonly declaredBy?: DeclaredBy;
}

export interface DeclaredBy {
  /** Name of the DynamicSecret. */
  readonly name: string;
  /** The server that keeps the dynamic secret, and the connection by which it was made. */
  readonly host: string;
  readonly madeBy: ConnectionRef;
}

/**
 * What an object leases from, as far as that is known. `revision` changes with what the DynamicSecret tells of its dynamic
 * secret; where the spec names the target itself it is empty.
 */
export type TargetView =
  | { readonly state: 'known'; readonly wanted: Wanted; readonly revision: string }
  /** Nothing is to be leased. `again`: milliseconds until it is worth looking again; undefined: an event will tell. */
  | {
      readonly state: 'refused';
      readonly fault: Fault;
      readonly again: number | undefined;
      /** Where the leases are that there may be; undefined where nobody knows. */
      readonly wanted: Wanted | undefined;
      readonly revision: string;
    };

/** A DynamicSecret, as far as what leases from it must know. */
export interface Declaration {
  readonly name: string;
  readonly uid: string;
  /** Milliseconds since 1970; undefined while it is not being deleted. */
  readonly deletedAt: number | undefined;
  readonly spec:
    | { readonly valid: true; readonly value: { readonly connectionRef: ConnectionRef } }
    | { readonly valid: false };
  readonly status: Pick<DynamicSecretStatus, 'place' | 'dynamicSecret' | 'applied'>;
}

/** The name of the DynamicSecret that a spec refers to. Undefined where it refers to none, or cannot be read. */
export function refName({
  spec,
}: {
  readonly spec: { readonly valid: true; readonly value: DeclaredLeaseSpec } | { readonly valid: false };
}): string | undefined {
  return spec.valid ? spec.value.dynamicSecretRef?.name : undefined;
}

/**
 * What a spec targets: what it names itself, or the place that the status of its DynamicSecret tells. A DynamicSecret that
 * is not Ready for a while stops nothing as long as its place is known; its deletion stops every new lease.
 *
 * @param find looks a DynamicSecret up by its name, in the namespace of the object.
 */
export function targetOf(
  spec: DeclaredLeaseSpec,
  find: (name: string) => Declaration | undefined,
): TargetView {
  const { connectionRef, dynamicSecret, dynamicSecretRef } = spec;
  if (dynamicSecretRef !== undefined) return declaredTarget(spec, dynamicSecretRef.name, find);
  // The API server takes no spec that has neither.
  if (dynamicSecret === undefined || connectionRef === undefined) {
    const rule = 'must have exactly one of dynamicSecret and dynamicSecretRef';
    return refused(fault('InvalidSpec', { field: 'spec', rule }), undefined, '');
  }
  const { name, projectSlug, environmentSlug, path } = dynamicSecret;
  const target = { projectSlug, environmentSlug, path, dynamicSecret: name };
  return { state: 'known', wanted: { target, connectionRef }, revision: '' };
}

function declaredTarget(
  { connectionRef }: DeclaredLeaseSpec,
  name: string,
  find: (name: string) => Declaration | undefined,
): TargetView {
  const found = find(name);
  if (found === undefined) return refused(fault('DynamicSecretNotFound', { name }), undefined, '');
  const { place, dynamicSecret } = found.status;
  const revision = revisionOf(found);
  const wanted: Wanted | undefined = place && {
    target: targetOfPlace(place),
    connectionRef:
      connectionRef ?? (found.spec.valid ? found.spec.value.connectionRef : refOf(place.connection)),
    ...(dynamicSecret === undefined ? {} : { dynamicSecretId: dynamicSecret.id }),
    declaredBy: { name, host: place.connection.host, madeBy: refOf(place.connection) },
  };
  if (found.deletedAt !== undefined)
    return refused(fault('DynamicSecretDeleted', { name }), wanted, revision);
  if (wanted === undefined) return refused(fault('DynamicSecretNotReady', { name }), undefined, revision);
  return { state: 'known', wanted, revision };
}

/** Another whenever a DynamicSecret tells something else of what is leased from it, or the server was told something else. */
function revisionOf({ uid, deletedAt, spec, status }: Declaration): string {
  const { place, dynamicSecret, applied } = status;
  const named = spec.valid ? spec.value.connectionRef : null;
  return JSON.stringify([uid, deletedAt ?? null, named, place, dynamicSecret?.id, applied]);
}

/** Whether what a DynamicSecret tells has changed for those that lease from it. */
export function isNewsToLeases(before: Declaration | undefined, after: Declaration | undefined): boolean {
  return (before && revisionOf(before)) !== (after && revisionOf(after));
}

function refused(
  why: Fault,
  wanted: Wanted | undefined,
  revision: string,
): TargetView & { readonly state: 'refused' } {
  return { state: 'refused', fault: why, again: undefined, wanted, revision };
}

function refOf({ kind, name }: ConnectionIdentity): ConnectionRef {
  return { kind: connectionKinds.find((one) => one === kind) ?? 'InfisicalConnection', name };
}

/** What a lease was leased of: all that a later request about it must name. */
export function targetOfRef(ref: Target): Target {
  const { projectSlug, environmentSlug, path, dynamicSecret } = ref;
  return { projectSlug, environmentSlug, path, dynamicSecret };
}

function targetOfPlace(place: NonNullable<Declaration['status']['place']>): Target {
  const { projectSlug, environmentSlug, path, name } = place;
  return { projectSlug, environmentSlug, path, dynamicSecret: name };
}

/**
 * Where a lease is listed now: under the name that its dynamic secret has by this time, where a DynamicSecret of that id
 * tells it, else under the one by which it was asked for.
 *
 * @param declared the DynamicSecrets of the namespace.
 */
export function targetNow(
  ref: Omit<LeasePlace, 'connection'> & { readonly connection: Pick<ConnectionIdentity, 'host'> },
  declared: readonly Pick<Declaration, 'status'>[],
): Target {
  const { dynamicSecretId: id, connection } = ref;
  if (id === undefined) return targetOfRef(ref);
  const found = declared.find(
    ({ status }) => status.dynamicSecret?.id === id && status.place?.connection.host === connection.host,
  );
  return found?.status.place === undefined ? targetOfRef(ref) : targetOfPlace(found.status.place);
}

/** Where leases are asked for, as their object notes it. */
export function placeOf(
  { target, dynamicSecretId }: Pick<Wanted, 'target' | 'dynamicSecretId'>,
  connection: ConnectionIdentity,
): LeasePlace {
  return { connection, ...target, ...(dynamicSecretId === undefined ? {} : { dynamicSecretId }) };
}

/**
 * Whether a lease is one of what is wanted: of the same dynamic secret on the same server, by its id where both are known,
 * for it may have been renamed, else by its names. A connection of another name to the same server changes nothing.
 *
 * @param shown the id of its dynamic secret as the server has told it, where the lease was asked for without one.
 */
export function meets(
  ref: LeasePlace,
  wanted: Pick<Wanted, 'target' | 'dynamicSecretId'>,
  host: string,
  shown?: string,
): boolean {
  if (ref.connection.host !== host) return false;
  const { dynamicSecretId: id } = wanted;
  if (id !== undefined && ref.dynamicSecretId !== undefined) return ref.dynamicSecretId === id;
  return isSameTarget(ref, wanted.target) || (id !== undefined && shown === id);
}

/** Whether a place is noted just as it would be noted now: by its present names, and with its id if that is known. */
export function isNoted(
  place: LeasePlace,
  { target, dynamicSecretId }: Pick<Wanted, 'target' | 'dynamicSecretId'>,
  host: string,
): boolean {
  const same = dynamicSecretId === undefined || place.dynamicSecretId === dynamicSecretId;
  return same && place.connection.host === host && isSameTarget(place, target);
}

/** Whether two places have the same names. */
export function isSameTarget(ref: Target, target: Target): boolean {
  return (
    ref.projectSlug === target.projectSlug &&
    ref.environmentSlug === target.environmentSlug &&
    ref.path === target.path &&
    ref.dynamicSecret === target.dynamicSecret
  );
}
