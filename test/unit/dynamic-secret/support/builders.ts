import type {
  AppliedSource,
  DynamicSecretSpec,
  DynamicSecretStatus,
} from '../../../../src/api/dynamic-secret.ts';
import type { ListedDynamicSecret, Target } from '../../../../src/api/lease.ts';
import type {
  DecisionInput,
  DynamicSecretView,
  Memory,
  Sighting,
} from '../../../../src/dynamic-secret/input.ts';
import { fault, type Fault } from '../../../../src/errors.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { anIdentity, ELAPSED, instant, MINUTE, NOW } from '../../../support/builders.ts';

export const UID = 'object-uid';
export const MARK = { key: 'leaseholder-object', value: UID };

export const target = (name = 'orders'): Target => ({
  projectSlug: 'shop',
  environmentSlug: 'prod',
  path: '/',
  dynamicSecret: name,
});

export function aSpec(overrides: Partial<DynamicSecretSpec> = {}): DynamicSecretSpec {
  return {
    connectionRef: { kind: 'InfisicalConnection', name: 'infisical' },
    name: 'orders',
    projectSlug: 'shop',
    environmentSlug: 'prod',
    path: '/',
    defaultTTL: '1h',
    maxTTL: '1d',
    metadata: [{ key: 'team', value: 'orders' }],
    provider: { type: 'sql-database', inputs: { client: 'postgres', port: 5432, username: 'admin' } },
    inputsFrom: [{ input: 'password', secretKeyRef: { name: 'admin', key: 'password' } }],
    ...overrides,
  };
}

export function aSource(overrides: Partial<AppliedSource> = {}): AppliedSource {
  return {
    input: 'password',
    name: 'admin',
    key: 'password',
    uid: 'secret-uid',
    resourceVersion: '1',
    ...overrides,
  };
}

export function aPlace(name = 'orders'): NonNullable<DynamicSecretStatus['place']> {
  return { connection: anIdentity(), projectSlug: 'shop', environmentSlug: 'prod', path: '/', name };
}

export function anIntent(
  kind: 'Create' | 'Rename' = 'Create',
  name = 'orders',
): NonNullable<DynamicSecretStatus['intent']> {
  return { kind, name, connection: anIdentity(), at: instant(-MINUTE) };
}

export function anApplied(
  overrides: Partial<NonNullable<DynamicSecretStatus['applied']>> = {},
): NonNullable<DynamicSecretStatus['applied']> {
  const { defaultTTL, metadata, provider } = aSpec();
  return {
    defaultTTL,
    maxTTL: '1d',
    inputs: { ...provider.inputs },
    sources: [aSource()],
    ...(metadata === undefined ? {} : { metadata }),
    ...overrides,
  };
}

/** The status of one that exists as declared. */
export function aStatus(overrides: Partial<DynamicSecretStatus> = {}): DynamicSecretStatus {
  return {
    observedGeneration: 1,
    place: aPlace(),
    applied: anApplied(),
    dynamicSecret: {
      id: 'id-1',
      name: 'orders',
      type: 'sql-database',
      version: 1,
      defaultTTL: '1h',
      maxTTL: '1d',
    },
    ...overrides,
  };
}

export function shown(overrides: Partial<ListedDynamicSecret> = {}): ListedDynamicSecret {
  return {
    id: 'id-1',
    name: 'orders',
    type: 'sql-database',
    version: 1,
    defaultTTL: '1h',
    maxTTL: '1d',
    status: null,
    statusDetails: null,
    usernameTemplate: null,
    metadata: [{ key: 'team', value: 'orders' }, MARK],
    ...overrides,
  };
}

/** A look of so many milliseconds ago, the first to tell the same `steady` milliseconds before it. */
export function seen(
  existence: Sighting['existence'],
  { name = 'orders', ago = 1000, steady = 0, leases = [] as readonly string[], took = 0 } = {},
): Sighting {
  return { target: target(name), existence, leases, at: ELAPSED - ago, took, since: ELAPSED - ago - steady };
}

export const listed = (one: ListedDynamicSecret, ago = 500, took = 0): Memory['listing'] => ({
  state: 'shown',
  shown: one,
  at: ELAPSED - ago,
  took,
});

export const hidden = (ago = 500, took = 0): Memory['listing'] => ({
  state: 'hidden',
  at: ELAPSED - ago,
  took,
});

export function failed(why: Fault, wait = MINUTE): Memory['failures'] {
  const nextAt = ELAPSED + wait;
  return { fault: why, count: 1, nextAt, generation: 1, revision: 'r1', sources: 'password=secret-uid/1' };
}

export const unavailable = fault('KubernetesUnavailable', { request: 'write the status' });

export interface Parts {
  readonly object?: Partial<DynamicSecretView>;
  readonly spec?: Partial<DynamicSecretSpec>;
  readonly status?: Partial<DynamicSecretStatus>;
  readonly memory?: Partial<Memory>;
  readonly input?: Partial<DecisionInput>;
}

/** An object that exists as declared, was looked at and listed a moment ago, and what is different of it. */
export function anInput({ object, spec, status, memory, input }: Parts = {}): DecisionInput {
  return {
    object: {
      namespace: 'shop',
      name: 'orders',
      uid: UID,
      generation: 1,
      deletedAt: undefined,
      hasFinalizer: true,
      forced: false,
      spec: { valid: true, value: aSpec(spec) },
      status: aStatus(status),
      ...object,
    },
    connection: { state: 'usable', identity: anIdentity(), revision: 'r1' },
    sources: { state: 'known', sources: [aSource()] },
    users: [],
    held: [],
    namespaceEnding: false,
    memory: {
      sighting: seen('present'),
      sightingOfNewName: undefined,
      listing: listed(shown()),
      failures: undefined,
      doubtful: false,
      revocations: new Map(),
      ...memory,
    },
    now: { elapsed: ELAPSED, kube: NOW },
    timing: standardTiming,
    ...input,
  };
}

/** The same object before anything was made, or known to be. */
export function unmade({ object, memory, ...parts }: Parts = {}): DecisionInput {
  return anInput({
    ...parts,
    object: { status: { observedGeneration: 1, ...parts.status }, ...object },
    memory: { sighting: undefined, listing: undefined, ...memory },
  });
}

/** The same object being deleted. */
export function leaving({ object, ...parts }: Parts = {}): DecisionInput {
  return anInput({ ...parts, object: { deletedAt: NOW - MINUTE, ...object } });
}
