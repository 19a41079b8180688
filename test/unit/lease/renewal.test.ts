import { describe, expect, test } from 'vitest';

import type { LeaseSpec, LeaseStatus } from '../../../src/api/dynamic-secret-lease.ts';
import { currentLease } from '../../../src/lease/current.ts';
import { wantsRenewal } from '../../../src/lease/lifetime.ts';
import { renewalObstacle, unlengthened } from '../../../src/lease/renewal.ts';
import { report } from '../../../src/lease/report.ts';
import {
  aDynamicSecret,
  aLease,
  anInput,
  anObject,
  aRef,
  aSpec,
  aStatus,
  instant,
  invalidSpec,
  MINUTE,
  NOW,
  SECOND,
  valid,
  type InputParts,
} from '../../support/builders.ts';

/** What keeps lease-1, made 10 minutes ago for an hour, from being renewed. */
function obstacle(parts: InputParts): ReturnType<typeof renewalObstacle> | 'untrusted' {
  const input = anInput(parts);
  const current = currentLease(input);
  return current.state === 'trusted' ? renewalObstacle(input, input.object, current) : 'untrusted';
}

interface Terms {
  readonly ttl?: string;
  readonly defaultTTL?: string;
  readonly maxTTL?: string | null;
  readonly type?: string;
}

function under({ ttl, ...secret }: Terms): InputParts {
  const spec: Partial<LeaseSpec> = { rotation: { strategy: 'Renew' }, ...(ttl === undefined ? {} : { ttl }) };
  return { object: { spec: valid(aSpec(spec)) }, memory: { dynamicSecret: aDynamicSecret(secret) } };
}

const cases: Record<string, { parts: InputParts; expected: 'type' | 'maximum' | 'refused' | undefined }> = {
  'where there is no maximum': { parts: under({ maxTTL: null }), expected: undefined },
  'to the very maximum': { parts: under({ ttl: '1h', maxTTL: '2h' }), expected: undefined },
  'past the maximum by a millisecond': {
    parts: under({ ttl: '1h', maxTTL: String(2 * 60 * MINUTE - 1) }),
    expected: 'maximum',
  },
  'to the maximum, with the default of the dynamic secret': {
    parts: under({ defaultTTL: '30m', maxTTL: '90m' }),
    expected: undefined,
  },
  'past the maximum, with the default of the dynamic secret': {
    parts: under({ defaultTTL: '1h', maxTTL: '90m' }),
    expected: 'maximum',
  },
  'with durations in words': {
    parts: under({ defaultTTL: '1 hour', maxTTL: '2 hours' }),
    expected: undefined,
  },
  'with durations in words that leave too little': {
    parts: under({ defaultTTL: '1 hour', maxTTL: '1.5 hours' }),
    expected: 'maximum',
  },
  'with a maximum that cannot be read': { parts: under({ maxTTL: 'long' }), expected: 'maximum' },
  'with a maximum, and a default that cannot be read': {
    parts: under({ defaultTTL: 'some', maxTTL: '24h' }),
    expected: 'maximum',
  },
  'without a maximum, and with a default that cannot be read': {
    parts: under({ defaultTTL: 'some' }),
    expected: undefined,
  },
  'of a lease whose beginning nobody knows, with a maximum': {
    parts: {
      ...under({ maxTTL: '24h' }),
      object: { ...under({}).object, status: aStatus({ lease: aRef() }) },
    },
    expected: 'maximum',
  },
  'of a lease whose beginning a list has shown': {
    parts: {
      object: { ...under({}).object, status: aStatus({ lease: aRef() }) },
      memory: {
        dynamicSecret: aDynamicSecret({ maxTTL: '24h' }),
        sighted: new Map([['lease-1', aLease(aRef())]]),
      },
    },
    expected: undefined,
  },
  'of a type that nobody knows': {
    parts: { object: { spec: valid(aSpec({ rotation: { strategy: 'Renew' } })) } },
    expected: 'type',
  },
  'of a type that the status tells': {
    parts: {
      object: {
        ...under({}).object,
        status: aStatus({ dynamicSecret: { id: 'd', name: 'n', type: 'sql-database' } }),
      },
    },
    expected: undefined,
  },
  'that the server has refused': {
    parts: { ...under({}), memory: { ...under({}).memory, unrenewable: new Set(['lease-1']) } },
    expected: 'refused',
  },
  'that the server has refused for another lease': {
    parts: { ...under({}), memory: { ...under({}).memory, unrenewable: new Set(['lease-0']) } },
    expected: undefined,
  },
  'of a lease that only the record speaks for': {
    parts: {
      ...under({}),
      memory: { ...under({}).memory, attestations: new Map([['lease-1', { verdict: 'unattested' }]]) },
    },
    expected: 'refused',
  },
  'a minute before the end': {
    parts: { ...under({}), now: { lease: NOW + 49 * MINUTE } },
    expected: undefined,
  },
  'less than a minute before the end': {
    parts: { ...under({}), now: { lease: NOW + 49 * MINUTE + 1 } },
    expected: 'refused',
  },
};

describe('what keeps a lease from being renewed', () => {
  test.each(Object.entries(cases))('%s', (_sentence, { parts, expected }) => {
    expect(obstacle(parts)).toBe(expected);
  });

  test.each([...unlengthened])('is the type %s, whose credentials live no longer by it', (type) => {
    expect(obstacle(under({ type }))).toBe('type');
  });

  test.each(['sql-database', 'mongo-db', 'redis', 'rabbit-mq', 'a-type-of-tomorrow'])(
    'is not the type %s',
    (type) => {
      expect(obstacle(under({ type }))).toBeUndefined();
    },
  );
});

describe('the wish to renew', () => {
  test.each([
    ['Renew', valid(aSpec({ rotation: { strategy: 'Renew' } })), true],
    ['ReLease', valid(aSpec({ rotation: { strategy: 'ReLease' } })), false],
    ['nothing of it', valid(aSpec({ rotation: { before: '10m' } })), false],
    ['no rotation', valid(aSpec()), false],
    ['what cannot be read', invalidSpec, false],
  ] as const)('of a spec that says %s', (_what, spec, wants) => {
    expect(wantsRenewal(anObject({ spec }))).toBe(wants);
  });
});

function ready(parts: InputParts): string | undefined {
  const input = anInput(parts);
  return report(input, input.object, undefined).conditions?.find(({ type }) => type === 'Ready')?.message;
}

describe('the condition of a lease that the spec wishes to renew', () => {
  test('says that its type does not live longer by it', () => {
    expect(ready(under({ type: 'kubernetes' }))).toContain('spec.rotation.strategy Renew has no effect');
  });

  test('says that the server has refused it', () => {
    const parts = under({});
    const memory = { ...parts.memory, unrenewable: new Set(['lease-1']) };
    expect(ready({ ...parts, memory })).toContain('The server does not renew this lease');
  });

  test.each([
    ['it works', under({})],
    ['only the maximum is in its way', under({ maxTTL: '1h' })],
    ['its end is near', { ...under({}), now: { lease: NOW + 50 * MINUTE - SECOND } }],
  ])('says nothing where %s', (_what, parts) => {
    expect(ready(parts)).not.toMatch(/renew/i);
  });

  test('tells how often and when it was renewed, also after a restart', () => {
    const lease: LeaseStatus['lease'] = {
      ...aRef(),
      createdAt: instant(-10 * MINUTE),
      renewedAt: instant(-MINUTE),
      renewals: 3,
    };
    const input = anInput({ object: { status: aStatus({ lease }) } });
    expect(report(input, input.object, undefined).lease).toMatchObject({
      renewedAt: instant(-MINUTE),
      renewals: 3,
    });
  });
});
