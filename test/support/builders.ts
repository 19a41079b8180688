import type { DeclaredLeaseSpec, LeaseSpec, LeaseStatus } from '../../src/api/dynamic-secret-lease.ts';
import type { LeasePlace } from '../../src/api/asked.ts';
import type { ConnectionRef } from '../../src/api/connection-ref.ts';
import type { ConnectionSpec } from '../../src/api/infisical-connection.ts';
import type { ConnectionIdentity, DynamicSecret, Lease, LeaseRef } from '../../src/api/lease.ts';
import type { SecretRecord } from '../../src/api/record.ts';
import { fault, type Fault } from '../../src/errors.ts';
import { formatInstant } from '../../src/instant.ts';
import type {
  ConnectionView,
  DecisionInput,
  Failures,
  KnownLease,
  LeaseInHand,
  Memory,
  ObjectView,
  OpenRequest,
  FormerSecret,
  SecretView,
} from '../../src/lease/input.ts';
import { placeOf, targetOf, type Declaration, type TargetView } from '../../src/lease/target.ts';
import type { ConnectionRecord, DynamicSecretRecord, LeaseRecord } from '../../src/reconcile/ports.ts';
import { standardTiming } from '../../src/timing.ts';
import { shapeView } from '../../src/secret/shape.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** The present of every built input: by both servers, and in elapsed milliseconds of the process. */
export const NOW = Date.UTC(2026, 0, 1, 12);
export const ELAPSED = 10 * HOUR;

/** An instant that lies `ms` after the present, as text. */
export function instant(ms: number): string {
  return formatInstant(NOW + ms);
}

/** The installation that every input speaks of. */
export const INSTALL = 'this-installation';

export const HOST = 'https://infisical.example.com';

export function anIdentity(overrides: Partial<ConnectionIdentity> = {}): ConnectionIdentity {
  return { kind: 'InfisicalConnection', name: 'infisical', uid: 'connection-uid', host: HOST, ...overrides };
}

/** A lease of what `aSpec` targets, made 10 minutes ago for an hour. */
export function aRef(overrides: Partial<LeaseRef> = {}): LeaseRef {
  const id = overrides.id ?? 'lease-1';
  return {
    id,
    expireAt: instant(50 * MINUTE),
    attempt: `attempt of ${id}`,
    connection: anIdentity(),
    projectSlug: 'shop',
    environmentSlug: 'prod',
    path: '/',
    dynamicSecret: 'orders-postgres',
    ...overrides,
  };
}

/** What the server tells of a lease. */
export function aLease(ref: LeaseRef, overrides: Partial<Lease> = {}): Lease {
  return {
    id: ref.id,
    version: 1,
    externalEntityId: `role of ${ref.id}`,
    expireAt: ref.expireAt,
    status: null,
    statusDetails: null,
    dynamicSecretId: 'dynamic-secret-id',
    config: undefined,
    tag: undefined,
    createdAt: instant(-10 * MINUTE),
    updatedAt: instant(-10 * MINUTE),
    ...overrides,
  };
}

export function aDynamicSecret(overrides: Partial<DynamicSecret> = {}): DynamicSecret {
  return {
    id: 'dynamic-secret-id',
    name: 'orders-postgres',
    type: 'sql-database',
    version: 1,
    defaultTTL: '1h',
    maxTTL: null,
    status: null,
    statusDetails: null,
    ...overrides,
  };
}

export function aKnownLease(ref: LeaseRef, overrides: Partial<Lease> = {}): KnownLease {
  return { ref, lease: aLease(ref, overrides), dynamicSecret: aDynamicSecret() };
}

export function known(...refs: readonly LeaseRef[]): Memory['known'] {
  return new Map(refs.map((ref) => [ref.id, aKnownLease(ref)]));
}

export function aSpec(overrides: Partial<LeaseSpec> = {}): LeaseSpec {
  return {
    connectionRef: { kind: 'InfisicalConnection', name: 'infisical' },
    dynamicSecret: { name: 'orders-postgres', projectSlug: 'shop', environmentSlug: 'prod', path: '/' },
    ...overrides,
  };
}

/** A spec that refers to the DynamicSecret of {@link aDeclaration}. */
export function aReferringSpec(overrides: Partial<DeclaredLeaseSpec> = {}): DeclaredLeaseSpec {
  return { dynamicSecretRef: { name: 'orders' }, ...overrides };
}

/** A DynamicSecret whose dynamic secret is what `aSpec` targets. */
export function aDeclaration(
  overrides: Partial<Declaration> = {},
  { name = 'orders-postgres', id = 'dynamic-secret-id' } = {},
): Declaration {
  const { projectSlug, environmentSlug, path } = aRef();
  const place = { connection: anIdentity(), projectSlug, environmentSlug, path, name };
  return {
    name: 'orders',
    uid: 'declaration-uid',
    deletedAt: undefined,
    spec: { valid: true, value: { connectionRef: { kind: 'InfisicalConnection', name: 'infisical' } } },
    status: { place, dynamicSecret: { id, name, type: 'sql-database' } },
    ...overrides,
  };
}

/** What an object targets whose namespace has these DynamicSecrets. */
export function targetIn(spec: ObjectView['spec'], ...declared: readonly Declaration[]): TargetView {
  if (spec.valid) return targetOf(spec.value, (name) => declared.find((one) => one.name === name));
  return { state: 'refused', fault: spec.fault, again: undefined, wanted: undefined, revision: '' };
}

/** Where a lease of what `aSpec` targets is asked for. */
export function aPlace(spec: DeclaredLeaseSpec = aSpec(), connection = anIdentity()): LeasePlace {
  const { wanted } = targetIn(valid(spec), aDeclaration());
  if (wanted === undefined) throw new RangeError('What the spec targets is not known.');
  return placeOf(wanted, connection);
}

export function valid(spec: DeclaredLeaseSpec): ObjectView['spec'] {
  return { valid: true, value: spec };
}

export const invalidSpec: ObjectView['spec'] & { valid: false } = {
  valid: false,
  fault: fault('InvalidSpec', { field: 'spec.ttl', rule: 'must be a duration' }),
};

export function aRecord(overrides: Partial<SecretRecord> = {}): SecretRecord {
  return { lease: aRef(), previous: [], digest: '0'.repeat(64), ...overrides };
}

export type OurSecret = Extract<SecretView, { state: 'ours' }>;

export function ourSecret(overrides: Partial<OurSecret> = {}): OurSecret {
  return {
    state: 'ours',
    uid: 'secret-uid',
    resourceVersion: '7',
    record: aRecord(),
    data: 'intact',
    dressed: true,
    ...overrides,
  };
}

/** A status in step with `ourSecret`. */
export function aStatus(overrides: Partial<LeaseStatus> = {}): LeaseStatus {
  return {
    observedGeneration: 1,
    lease: { ...aRef(), createdAt: instant(-10 * MINUTE) },
    rotateAt: instant(30 * MINUTE),
    secret: { name: 'orders-db', uid: 'secret-uid', resourceVersion: '7' },
    ...overrides,
  };
}

export function anObject(overrides: Partial<ObjectView> = {}): ObjectView {
  return {
    namespace: 'shop',
    name: 'orders-db',
    uid: 'object-uid',
    generation: 1,
    deletedAt: undefined,
    hasFinalizer: true,
    spec: valid(aSpec()),
    status: aStatus(),
    rotate: undefined,
    asked: [],
    ...overrides,
  };
}

/** The revision of the connection that {@link usable} and {@link refused} speak of. */
export const REVISION = 'connection-uid/1';

export const usable: ConnectionView = { state: 'usable', identity: anIdentity(), revision: REVISION };

export function refused(
  why: Fault = fault('LoginRefused', { host: HOST, status: 401, method: 'universal' }),
  again?: number,
): ConnectionView & { state: 'refused' } {
  return { state: 'refused', fault: why, again, identity: anIdentity(), revision: REVISION };
}

export function inHand(ref: LeaseRef = aRef({ id: 'in-hand' }), retryAt: number = ELAPSED): LeaseInHand {
  return { ref, answeredAt: ELAPSED - SECOND, retryAt };
}

export function anOpenRequest(overrides: Partial<OpenRequest> = {}): OpenRequest {
  const { projectSlug, environmentSlug, path, dynamicSecret } = aRef();
  return {
    attempt: 'open-attempt',
    target: { projectSlug, environmentSlug, path, dynamicSecret },
    connection: anIdentity(),
    sentAt: ELAPSED - MINUTE,
    lookAt: ELAPSED,
    ...overrides,
  };
}

export function failures(overrides: Partial<Failures> = {}): Failures {
  const why = fault('ServerFailed', { host: HOST, status: 500, request: 'create a lease' });
  return {
    fault: why,
    count: 1,
    nextAt: ELAPSED + 5 * SECOND,
    generation: 1,
    revision: REVISION,
    ...overrides,
  };
}

/** What a process remembers that has just started. */
export function aMemory(overrides: Partial<Memory> = {}): Memory {
  return {
    inHand: undefined,
    open: undefined,
    discarded: [],
    known: new Map(),
    sighted: new Map(),
    dynamicSecret: undefined,
    attestations: new Map(),
    revocations: new Map(),
    settled: new Set(),
    failures: undefined,
    tried: false,
    looked: false,
    announced: undefined,
    blocked: undefined,
    healedAt: undefined,
    written: undefined,
    lengthening: new Set(),
    unrenewable: new Set(),
    unaccounted: undefined,
    accounted: true,
    sought: true,
    ...overrides,
  };
}

/** What {@link anInput} is made of: each part in place of its default, or a piece of it. */
export interface InputParts {
  readonly object?: Partial<ObjectView>;
  /** The DynamicSecrets of the namespace. Default: that of `aDeclaration`. */
  readonly declared?: readonly Declaration[];
  readonly connection?: ConnectionView;
  readonly secret?: SecretView;
  readonly formers?: DecisionInput['formers'];
  readonly memory?: Partial<Memory>;
  readonly now?: Partial<DecisionInput['now']>;
  readonly unreachable?: readonly string[];
  /** Default: it does not, as shipped. */
  readonly nudgesPods?: boolean;
}

/** An input in which all is well: a lease with 50 minutes left in the Secret, and a status that says so. */
export function anInput(parts: InputParts = {}): DecisionInput & { readonly object: ObjectView } {
  const { connection = usable, declared = [aDeclaration()] } = parts;
  const target = targetIn(parts.object?.spec ?? valid(aSpec()), ...declared);
  return {
    object: anObject({ asked: askedBy(target, connection), ...parts.object }),
    target,
    connection,
    secret: parts.secret ?? ourSecret(),
    formers: parts.formers ?? [],
    shape: shapeIn(parts.object?.spec),
    memory: aMemory(parts.memory),
    now: { elapsed: ELAPSED, lease: NOW, kube: NOW, ...parts.now },
    unreachable: new Set(parts.unreachable),
    install: INSTALL,
    nudgesPods: parts.nudgesPods ?? false,
    timing: standardTiming,
  };
}

function shapeIn(spec: ObjectView['spec'] | undefined): DecisionInput['shape'] {
  return shapeView(spec?.valid === true ? spec.value.secret : undefined);
}

/** What an object notes that has been announced as it is now. */
function askedBy({ wanted }: TargetView, { identity }: ConnectionView): readonly LeasePlace[] {
  return wanted !== undefined && identity !== undefined ? [placeOf(wanted, identity)] : [];
}

/** The same, of an object that has just been created and that nothing was done for. */
export function aNewInput(parts: InputParts = {}): DecisionInput & { readonly object: ObjectView } {
  return anInput({ ...parts, object: { status: {}, ...parts.object }, secret: parts.secret ?? absent });
}

/** The same, of an object that is gone. */
export function withoutObject(parts: Omit<InputParts, 'object'> = {}): DecisionInput {
  return { ...anInput(parts), object: undefined, secret: parts.secret ?? absent };
}

/** A Secret of the object by a name that its spec has given up. */
export function aFormerSecret(change: Partial<FormerSecret> = {}): FormerSecret {
  return {
    name: 'former',
    uid: 'former-uid',
    resourceVersion: '3',
    lease: aRef({ id: 'lease-0' }),
    ...change,
  };
}

export const absent: SecretView = { state: 'absent' };
export const foreign: SecretView = { state: 'foreign' };
export const free: SecretView = { state: 'free' };

/** A lease object as the watch shows it. */
export function aLeaseRecord(overrides: Partial<LeaseRecord> = {}): LeaseRecord {
  const identity = { key: 'shop/orders-db', resourceVersion: '1', finalizers: [], createdAt: NOW - HOUR };
  return { ...anObject(), ...identity, ...overrides };
}

/** A connection as the watch shows it. */
export function aConnection(name: string, { hostAPI = HOST } = {}): ConnectionRecord {
  const value: ConnectionSpec = {
    hostAPI,
    auth: { token: { secretKeyRef: { name: 'identity', key: 'token' } } },
  };
  return {
    kind: 'InfisicalConnection',
    grants: [],
    key: `shop/${name}`,
    namespace: 'shop',
    name,
    uid: `uid of ${name}`,
    resourceVersion: '1',
    generation: 1,
    deletedAt: undefined,
    finalizers: [],
    spec: { valid: true, value },
    status: {},
  };
}

/** The DynamicSecret of {@link aDeclaration}, as the watch shows it. */
export function aDynamicSecretRecord({
  name = 'orders-postgres',
  id = 'dynamic-secret-id',
  connectionRef = { kind: 'InfisicalConnection', name: 'infisical' },
}: {
  readonly name?: string;
  readonly id?: string;
  readonly connectionRef?: ConnectionRef;
} = {}): DynamicSecretRecord {
  const { projectSlug, environmentSlug, path } = aRef();
  const provider = { type: 'sql-database', inputs: {} };
  const value = { connectionRef, name, projectSlug, environmentSlug, path, defaultTTL: '1h', provider };
  const { status, uid } = aDeclaration({}, { name, id });
  return {
    key: 'shop/orders',
    namespace: 'shop',
    name: 'orders',
    uid,
    resourceVersion: '1',
    generation: 1,
    deletedAt: undefined,
    finalizers: [],
    hasFinalizer: true,
    forced: false,
    spec: { valid: true, value },
    status,
  };
}
