import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';

import { kinds, type JsonObject } from '../../../src/api/crd.ts';
import { dynamicSecretSpec } from '../../../src/api/dynamic-secret.ts';
import { leaseSpec, leaseStatus } from '../../../src/api/dynamic-secret-lease.ts';
import { connectionSpec } from '../../../src/api/infisical-connection.ts';
import { notOdd } from '../../../src/api/passed-through.ts';
import { startApiPlane, type ApiPlane, type KindName, type Outcome } from './support/api-plane.ts';
import { anyConnectionSpec, anyDynamicSecretSpec, anyLeaseSpec } from './support/arbitrary-specs.ts';
import { acceptedConnections, refusedConnections } from './support/connection-rows.ts';
import {
  acceptedDynamicSecrets,
  leastDynamicSecret,
  refusedDynamicSecrets,
} from './support/dynamic-secret-rows.ts';
import { acceptedLeases, leastLease, refusedLeases } from './support/lease-rows.ts';
import type { RefusedRow } from './support/rows.ts';
import { dottedField, isAbout, rulesOf } from './support/rules.ts';

interface KindRows {
  readonly kind: KindName;
  readonly schema: z.ZodType;
  readonly accepted: Readonly<Record<string, JsonObject>>;
  readonly refused: Readonly<Record<string, RefusedRow>>;
  readonly anySpec: fc.Arbitrary<object>;
}

const rows: readonly KindRows[] = [
  {
    kind: 'DynamicSecretLease',
    schema: leaseSpec,
    accepted: acceptedLeases,
    refused: refusedLeases,
    anySpec: anyLeaseSpec,
  },
  {
    kind: 'DynamicSecret',
    schema: dynamicSecretSpec,
    accepted: acceptedDynamicSecrets,
    refused: refusedDynamicSecrets,
    anySpec: anyDynamicSecretSpec,
  },
  {
    kind: 'InfisicalConnection',
    schema: connectionSpec,
    accepted: acceptedConnections,
    refused: refusedConnections,
    anySpec: anyConnectionSpec,
  },
];

let api: ApiPlane;

beforeAll(async () => {
  api = await startApiPlane();
});
afterAll(() => api[Symbol.asyncDispose]());

/** A spec with what the API server adds: nothing but these. */
function withDefaults(kind: KindName, spec: JsonObject): JsonObject {
  if (kind === 'InfisicalConnection') return spec;
  if (kind === 'DynamicSecret') {
    const connectionRef = { kind: 'InfisicalConnection', ...(spec['connectionRef'] as object) };
    return { path: '/', ...spec, connectionRef };
  }
  const defaults = { connectionRef: { kind: 'InfisicalConnection' }, dynamicSecret: { path: '/' } };
  const given = Object.entries(defaults).filter(([field]) => field in spec);
  return {
    ...spec,
    ...Object.fromEntries(given.map(([field, own]) => [field, { ...own, ...(spec[field] as object) }])),
  };
}

/**
 * What the API server and the operator see differently in a spec; undefined where they agree. The keys of what is passed
 * through are the operator's alone to judge: no schema sees those of no fixed name.
 */
function disagreement(schema: z.ZodType, spec: object, outcome: Outcome): string | undefined {
  if (outcome.accepted) {
    const issues = schema.safeParse(outcome.object['spec']).error?.issues ?? [];
    return issues.find(({ message }) => message !== notOdd)?.message;
  }
  return schema.safeParse(spec).success ? outcome.message : undefined;
}

describe.each(rows)('$kind', ({ kind, schema, accepted, refused, anySpec }) => {
  test.each(Object.entries(accepted))('%s is accepted and stored as it is', async (_row, spec) => {
    const outcome = await api.create(kind, spec);
    expect(outcome).toMatchObject({ accepted: true });
    const stored = outcome.accepted ? outcome.object['spec'] : undefined;
    expect(stored).toEqual(withDefaults(kind, spec));
    expect(schema.safeParse(spec).error).toBeUndefined();
    expect(schema.parse(stored)).toEqual(stored);
  });

  test.each(Object.entries(refused))(
    '%s is refused with words about that field and no other',
    async (_row, { spec, field, says }) => {
      const outcome = await api.create(kind, spec);
      if (outcome.accepted) throw new Error('It was accepted.');
      expect(outcome.causes.map((cause) => cause.field)).toEqual([field]);
      expect(outcome.causes[0]?.message).toContain(says);
      expect(outcome.message).toContain(`${field}: `);
      // A pattern is no sentence.
      expect(outcome.message).not.toMatch(/should match|\[a-z|\$'/);

      const issues = schema.safeParse(spec).error?.issues ?? [];
      const blamed = issues.map((issue) => ['spec', ...issue.path].join('.'));
      expect(blamed.filter((path) => dottedField(field).startsWith(path))).not.toEqual([]);
    },
  );

  test('every rule of its schema is broken by a row', () => {
    const broken = Object.values(refused);
    const untested = rulesOf(schema).filter(
      (rule) => !broken.some(({ field, says }) => isAbout(rule, field) && rule.says.includes(says)),
    );
    expect(untested).toEqual([]);
  });

  test('whatever the API server accepts is what the operator reads, and the other way round', async () => {
    const verdicts = { accepted: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(anySpec, async (spec) => {
        const outcome = await api.create(kind, spec);
        verdicts[outcome.accepted ? 'accepted' : 'refused'] += 1;
        expect(disagreement(schema, spec, outcome)).toBeUndefined();
      }),
      { numRuns: 150 },
    );
    // About one in six is accepted; both verdicts must have been met, however the specs were drawn.
    expect(Math.min(verdicts.accepted, verdicts.refused)).toBeGreaterThan(3);
  });

  test('an unknown field is named by kubectl, and dropped where a client does not ask', async () => {
    const [spec] = Object.values(accepted);
    const unknown = { ...spec, tttl: '1h' };
    expect(await api.create(kind, unknown, { unknownFields: 'Strict' })).toMatchObject({
      message: expect.stringContaining('unknown field "spec.tttl"') as string,
    });
    const outcome = await api.create(kind, unknown);
    expect(outcome).toMatchObject({ accepted: true, object: { spec: withDefaults(kind, spec ?? {}) } });
    expect(outcome.accepted && outcome.object['spec']).not.toHaveProperty('tttl');
  });

  test('begins with a status that nobody has observed, whatever it is created with', async () => {
    const [spec = {}] = Object.values(accepted);
    await api.create(kind, spec, { name: 'begins', status: { observedGeneration: 7 }, store: true });
    expect(await api.read(kind, 'begins')).toMatchObject({ status: { observedGeneration: -1 } });
  });
});

describe('a null', () => {
  test('is as good as nothing where it stands for an optional field, a label or the reserved key of config', async () => {
    const spec = {
      ...leastLease,
      connectionRef: { kind: null, name: 'infisical' },
      dynamicSecret: { ...leastLease.dynamicSecret, path: null },
      ttl: null,
      rotation: { before: null },
      revocation: null,
      config: { leaseholder: null, mine: null, nested: { also: null } },
      secret: { name: null, labels: { tier: null }, annotations: null },
    };
    const outcome = await api.create('DynamicSecretLease', spec);
    const stored = {
      ...withDefaults('DynamicSecretLease', leastLease),
      rotation: {},
      config: { mine: null, nested: { also: null } },
      secret: { labels: {} },
    };
    expect(outcome).toMatchObject({ accepted: true, object: { spec: stored } });
    expect(outcome.accepted && outcome.object['spec']).toEqual(stored);
    expect(leaseSpec.safeParse(stored).error).toBeUndefined();
  });
});

const IMMUTABLE =
  'secret.type is immutable for a Secret of one name: give one of another type another secret.name';

/** The name of the object, which is that of its Secret where it gives none. */
const OWN = 'own';

const TLS = 'kubernetes.io/tls';

describe('spec.secret, once the object is there', () => {
  afterEach(() => api.kubectl(['delete', 'dsl', OWN, '--wait=false']));

  const changed = async (secret: object | undefined, change: object): ReturnType<ApiPlane['kubectl']> => {
    await api.create('DynamicSecretLease', { ...leastLease, secret }, { name: OWN, store: true });
    const patch = JSON.stringify({ spec: change });
    return api.kubectl(['patch', 'dsl', OWN, '--type=merge', '-p', patch]);
  };

  test.each([
    ['another type is set where none was', undefined, { secret: { type: TLS } }],
    ['its type is changed', { name: 'first', type: TLS }, { secret: { type: 'Opaque' } }],
    ['all of spec.secret is taken away', { name: OWN, type: TLS }, { secret: null }],
  ])('refuses the change when %s', async (_case, secret, change) => {
    const patched = await changed(secret, change);
    expect(patched.ok).toBe(false);
    expect(patched.said).toContain(`spec.secret.type: Invalid value: "object": ${IMMUTABLE}`);
  });

  test.each([
    ['it gets a name', undefined, { secret: { name: 'other' } }],
    ['its name is changed', { name: 'first' }, { secret: { name: 'second' } }],
    ['its name is taken away', { name: 'first' }, { secret: { name: null } }],
    ['name and type are changed', { name: 'first' }, { secret: { name: 'second', type: TLS } }],
    ['the type is said that it has', undefined, { secret: { type: 'Opaque' } }],
    ['all else changes', { name: 'first' }, { ttl: '2h', secret: { labels: { tier: 'db' } } }],
  ])('lets the change pass when %s', async (_case, secret, change) => {
    expect(await changed(secret, change)).toMatchObject({ ok: true });
  });
});

const FIXED = 'is immutable: create another DynamicSecret for another';

describe('a DynamicSecret, once it is there', () => {
  const NAME = 'fixed';
  const patch = (change: object): ReturnType<ApiPlane['kubectl']> =>
    api.kubectl(['patch', 'dynsec', NAME, '--type=merge', '-p', JSON.stringify({ spec: change })]);

  beforeAll(() => api.create('DynamicSecret', leastDynamicSecret, { name: NAME, store: true }));

  test.each([
    ['projectSlug', { projectSlug: 'stock' }, 'place'],
    ['environmentSlug', { environmentSlug: 'dev' }, 'place'],
    ['path', { path: '/team' }, 'place'],
    ['path', { path: null }, 'place'],
    ['provider.type', { provider: { type: 'vertica' } }, 'type'],
  ])('keeps its %s', async (field, change, what) => {
    const { ok, said } = await patch(change);
    expect(ok).toBe(false);
    expect(said).toContain(`spec.${field}: Invalid value: "object": ${field} ${FIXED} ${what}`);
  });

  test.each([
    ['another name', { name: 'orders' }],
    ['another connection', { connectionRef: { kind: 'ClusterInfisicalConnection', name: 'shared' } }],
    ['other inputs', { provider: { inputs: { port: 5433, renewStatement: null } } }],
    ['no longest life', { maxTTL: null }],
  ])('may get %s', async (_what, change) => {
    expect(await patch(change)).toMatchObject({ ok: true });
  });

  test('has its password in no refusal', async () => {
    const CANARY = 'canary-5d2e';
    const { ok, said } = await patch({ provider: { inputs: { password: CANARY } } });
    expect(ok).toBe(false);
    expect(said).toContain(
      'spec.provider.inputs.password: Invalid value: "object": password must not be among the inputs',
    );
    expect(said).not.toContain(CANARY);
  });
});

test('the rules about an object as a whole are these', () => {
  expect(kinds.flatMap(({ rules }) => rules.map(({ message }) => message))).toEqual([
    IMMUTABLE,
    `projectSlug ${FIXED} place`,
    `environmentSlug ${FIXED} place`,
    `path ${FIXED} place`,
    `provider.type ${FIXED} type`,
  ]);
});

describe('the status', () => {
  const NAME = 'reported';
  const patchStatus = (...args: readonly string[]): ReturnType<ApiPlane['kubectl']> =>
    api.kubectl(['patch', 'dsl', NAME, '--type=merge', ...args]);

  beforeAll(() => api.create('DynamicSecretLease', leastLease, { name: NAME, store: true }));

  test('is not written together with the object', async () => {
    const change = '{"status":{"rotations":7,"observedGeneration":7}}';
    expect(await patchStatus('-p', change)).toMatchObject({ ok: true });
    const { status } = await api.read('DynamicSecretLease', NAME);
    expect(status).toEqual({ observedGeneration: -1 });
  });

  test('is written by itself, and then nothing but it', async () => {
    const { spec } = await api.read('DynamicSecretLease', NAME);
    const change = '{"status":{"rotations":7},"spec":{"ttl":"1h"},"metadata":{"labels":{"a":"b"}}}';
    expect(await patchStatus('--subresource=status', '-p', change)).toMatchObject({ ok: true });
    const after = await api.read('DynamicSecretLease', NAME);
    expect(after).toMatchObject({ spec, status: { rotations: 7 }, metadata: { generation: 1 } });
    expect(after['metadata']).not.toHaveProperty('labels');
  });

  test.each([
    [16, true],
    [17, false],
  ])('with %i leases that are retiring is accepted: %s', async (count, ok) => {
    const status = { retiring: Array.from({ length: count }, () => retiringLease) };
    const patched = await patchStatus('--subresource=status', '-p', JSON.stringify({ status }));
    expect(patched).toMatchObject({ ok });
    expect(patched.said.includes('status.retiring: Too many: 17: must have at most 16 items')).toBe(!ok);
    expect(leaseStatus.safeParse(status).success).toBe(ok);
  });

  test('has one condition of a type', async () => {
    const status = { conditions: [readyCondition, { ...readyCondition, status: 'False' }] };
    const patched = await patchStatus('--subresource=status', '-p', JSON.stringify({ status }));
    expect(patched.said).toContain('status.conditions[1]: Duplicate value: {"type":"Ready"}');
  });
});

const retiringLease = {
  id: '0197b2a4-7c1e-7d5a-9b1f-0a8f6f0f4b11',
  expireAt: '2026-01-01T00:00:00Z',
  attempt: '0197b2a4-7c1e-7d5a-9b1f-0a8f6f0f4b12',
  connection: { kind: 'InfisicalConnection', name: 'infisical', uid: 'a', host: 'https://eu.infisical.com' },
  projectSlug: 'shop',
  environmentSlug: 'prod',
  path: '/',
  dynamicSecret: 'orders',
};

const readyCondition = {
  type: 'Ready',
  status: 'True',
  reason: 'LeaseActive',
  message: 'All is well.',
  lastTransitionTime: '2026-01-01T00:00:00Z',
};
