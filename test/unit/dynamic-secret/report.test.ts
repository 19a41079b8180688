import { describe, expect, test } from 'vitest';

import type { DynamicSecretStatus } from '../../../src/api/dynamic-secret.ts';
import type { DynamicSecret } from '../../../src/api/lease.ts';
import type { DecisionInput } from '../../../src/dynamic-secret/input.ts';
import type { Brought } from '../../../src/dynamic-secret/plan.ts';
import { report } from '../../../src/dynamic-secret/report.ts';
import { fault, type Fault } from '../../../src/errors.ts';
import { anIdentity, ELAPSED, HOST, instant, MINUTE, NOW } from '../../support/builders.ts';
import {
  anApplied,
  anInput,
  anIntent,
  aPlace,
  aSource,
  aStatus,
  failed,
  hidden,
  leaving,
  listed,
  seen,
  shown,
  target,
  unavailable,
  unmade,
} from './support/builders.ts';

function told(overrides: Partial<DynamicSecret> = {}): DynamicSecret {
  const { usernameTemplate: _template, metadata: _metadata, ...rest } = shown();
  return { ...rest, ...overrides };
}

const exists = fault('DynamicSecretExists', target());
const invalid = fault('InvalidSpec', { field: 'spec.name', rule: 'must be a name' });
const down = fault('CircuitOpen', { host: HOST, cause: 'connection refused' });
const refused: DecisionInput['connection'] = {
  state: 'refused',
  fault: down,
  again: undefined,
  identity: anIdentity(),
  revision: 'r1',
};

/** Ready, Reconciling and Stalled, each as its status and reason. */
function words({ conditions = [] }: DynamicSecretStatus): string[] {
  return conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
}

interface Row {
  readonly input: DecisionInput;
  readonly refusal?: Fault;
  readonly words: readonly string[];
}

const said = (ready: string, reconciling: string, stalled = 'False Accepted'): readonly string[] => [
  `Ready ${ready}`,
  `Reconciling ${reconciling}`,
  `Stalled ${stalled}`,
];

describe('the conditions', () => {
  test.each(
    Object.entries<Row>({
      'nothing made yet': { input: unmade(), words: said('False Creating', 'True Creating') },
      'as declared': { input: anInput(), words: said('True Declared', 'False Settled') },
      'a creation under way, with a place of before': {
        input: anInput({ status: { intent: anIntent() } }),
        words: said('False Creating', 'True Creating'),
      },
      'a change not sent yet': {
        input: anInput({ spec: { defaultTTL: '2h' } }),
        words: said('False Updating', 'True Updating'),
      },
      'a rename under way': {
        input: anInput({ spec: { name: 'sales' }, status: { intent: anIntent('Rename', 'sales') } }),
        words: said('False Renaming', 'True Renaming'),
      },
      'looked for in vain': {
        input: anInput({ memory: { sighting: seen('absent') } }),
        words: said('False Creating', 'True Creating'),
      },
      'a name that is taken': {
        input: unmade(),
        refusal: exists,
        words: said('False DynamicSecretExists', 'True DynamicSecretExists'),
      },
      'a spec that is refused': {
        input: unmade({ object: { spec: { valid: false, fault: invalid } } }),
        refusal: invalid,
        words: said('False InvalidSpec', 'False Settled', 'True InvalidSpec'),
      },
      'a connection that does not work, and all as declared': {
        input: anInput({ input: { connection: refused } }),
        refusal: down,
        words: said('True Declared', 'True CircuitOpen'),
      },
      'a Secret that is not there, and all as declared': {
        input: anInput({ input: { sources: { state: 'refused', fault: unavailable, again: undefined } } }),
        refusal: unavailable,
        words: said('True Declared', 'True KubernetesUnavailable'),
      },
      'a change that failed': {
        input: anInput({ spec: { defaultTTL: '2h' }, memory: { failures: failed(down) } }),
        words: said('False CircuitOpen', 'True CircuitOpen'),
      },
      'being removed': { input: leaving(), words: said('False Removing', 'True Removing') },
      'in use while being deleted': {
        input: leaving({ input: { users: ['one'] } }),
        words: said('False Removing', 'True InUse'),
      },
      'a removal that failed': {
        input: leaving({ memory: { removal: { tries: 1, at: ELAPSED - 1000, answer: 'failed' } } }),
        words: said('False Removing', 'True RemovalFailed'),
      },
      'a revocation that failed': {
        input: leaving({
          memory: { sighting: seen('present', { leases: ['one'] }), unrevoked: new Set(['one']) },
        }),
        words: said('False Removing', 'True RemovalFailed'),
      },
    }),
  )('%s', (_sentence, row) => {
    expect(words(report(row.input, row.refusal))).toEqual(row.words);
  });

  test('name the first three that use it, and how many more', () => {
    const { conditions } = report(leaving({ input: { users: ['a', 'b', 'c', 'd', 'e'] } }), undefined);
    expect(conditions?.[1]?.message).toContain('until they are gone: a, b, c and 2 more.');
  });

  test('name the inputs that the server keeps, and the fields that it does not take', () => {
    const input = anInput({
      status: { applied: anApplied({ inputs: { ...anApplied().inputs, ca: 'x' } }) },
      memory: {
        listing: listed(shown({ defaultTTL: '2h' })),
        corrected: { change: { inputs: [], defaultTTL: '1h' }, at: ELAPSED - MINUTE },
      },
    });
    const message = report(input, undefined).conditions?.[0]?.message;
    expect(message).toContain('no longer names ca of the inputs');
    expect(message).toContain('The server shows defaultTTL otherwise');
  });

  test('keep the moment of their last turn', () => {
    const first = report(anInput(), undefined);
    const later = {
      ...anInput({ object: { status: first } }),
      now: { elapsed: ELAPSED, kube: NOW + MINUTE },
    };
    expect(report(later, undefined)).toEqual(first);
  });
});

describe('what a step has brought', () => {
  test('an intent is written, and taken back', () => {
    const intent = anIntent();
    expect(report(unmade(), undefined, { did: 'intended', intent })).toMatchObject({ intent });
    const open = unmade({ object: { status: { intent } } });
    expect(report(open, undefined, { did: 'intended', intent: undefined }).intent).toBeUndefined();
  });

  test('a creation: the place, what was told, the answer, and all of it ready', () => {
    const open = unmade({ object: { status: { intent: anIntent() } } });
    const sources = [aSource({ resourceVersion: '7' })];
    const status = report(open, undefined, {
      did: 'created',
      target: target(),
      dynamicSecret: told(),
      sources,
    });
    expect(status).toMatchObject({
      place: aPlace(),
      applied: anApplied({ sources }),
      dynamicSecret: { id: 'id-1' },
    });
    expect(status.intent).toBeUndefined();
    expect(words(status)).toEqual(said('True Declared', 'False Settled'));
  });

  test('a change: only what was sent', () => {
    const input = anInput({ spec: { defaultTTL: '2h', maxTTL: '2d' } });
    const change = { inputs: ['password'], defaultTTL: '2h' };
    const sources = [aSource({ resourceVersion: '2' })];
    const brought = { did: 'updated', target: target(), change, dynamicSecret: told(), sources } as const;
    expect(report(input, undefined, brought).applied).toEqual(anApplied({ defaultTTL: '2h', sources }));
  });

  test('a cleared maximum: none', () => {
    const brought: Brought = {
      did: 'updated',
      target: target(),
      change: { inputs: [], maxTTL: null },
      dynamicSecret: told(),
      sources: [],
    };
    const { applied } = report(anInput({ spec: { maxTTL: undefined } }), undefined, brought);
    expect(applied).not.toHaveProperty('maxTTL');
  });

  test('an input from a Secret: its version, and never a value', () => {
    const spec = { provider: { type: 'sql-database', inputs: { client: 'postgres' } } };
    const applied = anApplied({ inputs: { client: 'postgres', password: 'plain' }, sources: [] });
    const brought: Brought = {
      did: 'updated',
      target: target(),
      change: { inputs: ['password'] },
      dynamicSecret: told(),
      sources: [aSource()],
    };
    const status = report(anInput({ spec, status: { applied } }), undefined, brought);
    expect(status.applied).toMatchObject({ inputs: { client: 'postgres' }, sources: [aSource()] });
    expect(JSON.stringify(status)).not.toContain('plain');
  });

  test('a rename: the new place, and the intent is over', () => {
    const input = anInput({ spec: { name: 'sales' }, status: { intent: anIntent('Rename', 'sales') } });
    const brought: Brought = {
      did: 'updated',
      target: target(),
      change: { inputs: [], newName: 'sales' },
      dynamicSecret: told({ name: 'sales' }),
      sources: [],
    };
    const status = report(input, undefined, brought);
    expect(status).toMatchObject({ place: { name: 'sales' }, applied: anApplied() });
    expect(status.intent).toBeUndefined();
    expect(words(status)).toEqual(said('True Declared', 'False Settled'));
  });

  test('a rename that is found to have worked: what was told stays', () => {
    const input = anInput({ spec: { name: 'sales' }, status: { intent: anIntent('Rename', 'sales') } });
    const status = report(input, undefined, { did: 'acknowledged', target: target('sales') });
    expect(status).toMatchObject({
      place: { name: 'sales' },
      applied: anApplied(),
      dynamicSecret: { id: 'id-1' },
    });
  });

  test('a creation that is found to have worked: what was told is not known, nor an id of before', () => {
    const input = anInput({ status: { intent: anIntent() }, memory: { listing: hidden() } });
    const status = report(input, undefined, { did: 'acknowledged', target: target() });
    expect(status).toMatchObject({ place: aPlace() });
    expect(status).not.toHaveProperty('applied');
    expect(status).not.toHaveProperty('dynamicSecret');
    expect(words(status)).toEqual(said('False Updating', 'True Updating'));
  });

  test('the answer of a removal: its status', () => {
    const dynamicSecret = told({ status: 'Revocation in process' });
    const status = report(leaving(), undefined, { did: 'removed', dynamicSecret });
    expect(status.dynamicSecret?.status).toBe('Revocation in process');
  });
});

describe('what is mirrored', () => {
  test('the status of ours, as the list shows it', () => {
    const listing = listed(shown({ status: 'Failed to delete', statusDetails: 'cleaned' }));
    const { dynamicSecret } = report(anInput({ memory: { listing } }), undefined);
    expect(dynamicSecret).toMatchObject({ status: 'Failed to delete', statusDetails: 'cleaned' });
  });

  test('nothing of one that is not ours', () => {
    const listing = listed(shown({ id: 'id-9', metadata: [] }));
    expect(report(anInput({ memory: { listing } }), undefined).dynamicSecret?.id).toBe('id-1');
  });

  test('how many use it, and how many leases its removal waits for', () => {
    const input = leaving({
      input: { users: ['a', 'b'] },
      memory: { sighting: seen('present', { leases: ['x'] }) },
    });
    expect(report(input, undefined)).toMatchObject({ users: 2, removal: { leases: 1 } });
  });

  test('the connection that leads there now', () => {
    const identity = anIdentity({ uid: 'another', name: 'second' });
    const input = anInput({ input: { connection: { state: 'usable', identity, revision: 'r1' } } });
    expect(report(input, undefined).place?.connection).toEqual(identity);
  });

  test('a failure and when it is tried again, but no second time for a short wait', () => {
    const first = report(anInput({ memory: { failures: failed(down) } }), undefined);
    expect(first.attempts).toEqual({ count: 1, reason: 'CircuitOpen', nextAt: instant(MINUTE) });
    const failures = failed(down, 1000);
    const again = anInput({ status: aStatus({ attempts: first.attempts }), memory: { failures } });
    expect(report(again, undefined).attempts).toEqual(first.attempts);
  });

  test('nothing new while only the status knows of a failure', () => {
    const status = aStatus({ attempts: { count: 2, reason: 'NoAnswer', nextAt: instant(MINUTE) } });
    expect(report(anInput({ status }), undefined)).toEqual({ ...status, users: 0 });
  });
});
