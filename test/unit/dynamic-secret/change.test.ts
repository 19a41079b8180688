import { describe, expect, test } from 'vitest';

import {
  driftOf,
  droppedInputs,
  pendingChange,
  type PendingChange,
} from '../../../src/dynamic-secret/change.ts';
import { declaredOf } from '../../../src/dynamic-secret/declared.ts';
import type { AppliedSource, DynamicSecretSpec } from '../../../src/api/dynamic-secret.ts';
import type { Change } from '../../../src/dynamic-secret/plan.ts';
import type { ListedDynamicSecret } from '../../../src/api/lease.ts';
import { anApplied, aSource, aSpec, MARK, shown, UID } from './support/builders.ts';

interface Row {
  readonly spec?: Partial<DynamicSecretSpec>;
  readonly applied?: Parameters<typeof anApplied>[0];
  readonly sources?: readonly AppliedSource[];
  readonly change: PendingChange | undefined;
}

const inputs = { client: 'postgres', port: 5432, username: 'admin' };
const provider = (changed: Record<string, unknown>): DynamicSecretSpec['provider'] => ({
  type: 'sql-database',
  inputs: changed,
});
const declared = (change: Partial<Change>): PendingChange => ({
  change: { inputs: [], ...change },
  why: 'declared',
});
const nested = [{ input: 'auth.password', secretKeyRef: { name: 'admin', key: 'password' } }];

describe('what is sent because it was declared', () => {
  test.each(
    Object.entries<Row>({
      'nothing where nothing has changed': { change: undefined },
      'no TTL that is only written otherwise': {
        spec: { defaultTTL: '60m', maxTTL: '24h' },
        change: undefined,
      },
      'another default TTL': { spec: { defaultTTL: '2h' }, change: declared({ defaultTTL: '2h' }) },
      'another maximum': { spec: { maxTTL: '2d' }, change: declared({ maxTTL: '2d' }) },
      'no maximum any more': { spec: { maxTTL: undefined }, change: declared({ maxTTL: null }) },
      'a template': { spec: { usernameTemplate: 'x' }, change: declared({ usernameTemplate: 'x' }) },
      'no template any more': {
        applied: { usernameTemplate: 'x' },
        change: declared({ usernameTemplate: null }),
      },
      'metadata, whole and with our mark': {
        spec: { metadata: [{ key: 'team', value: 'sales' }] },
        change: declared({ metadata: [{ key: 'team', value: 'sales' }, MARK] }),
      },
      'no metadata any more, but our mark': {
        spec: { metadata: undefined },
        change: declared({ metadata: [MARK] }),
      },
      'no metadata in another order only': {
        spec: {
          metadata: [
            { key: 'b', value: '2' },
            { key: 'a', value: '1' },
          ],
        },
        applied: {
          metadata: [
            { key: 'a', value: '1' },
            { key: 'b', value: '2' },
          ],
        },
        change: undefined,
      },
      'one input that has changed, whole': {
        spec: { provider: provider({ ...inputs, port: 5433, requirements: { length: 20 } }) },
        change: declared({ inputs: ['port', 'requirements'] }),
      },
      'no input whose members only stand in another order': {
        spec: { provider: provider({ ...inputs, requirements: { a: 1, b: [2] } }) },
        applied: { inputs: { ...inputs, requirements: { b: [2], a: 1 } } },
        change: undefined,
      },
      'no input of null that a store has dropped': {
        spec: { provider: provider({ ...inputs, ca: null }) },
        change: undefined,
      },
      'no input that the spec no longer names': {
        applied: { inputs: { ...inputs, ca: 'x' } },
        change: undefined,
      },
      'the input of a Secret of another version': {
        sources: [aSource({ resourceVersion: '2' })],
        change: { change: { inputs: ['password'] }, why: 'source' },
      },
      'the input of a Secret that was made anew': {
        sources: [aSource({ uid: 'other' })],
        change: { change: { inputs: ['password'] }, why: 'source' },
      },
      'the input of another key': {
        spec: { inputsFrom: [{ input: 'password', secretKeyRef: { name: 'admin', key: 'other' } }] },
        sources: [aSource({ key: 'other' })],
        change: declared({ inputs: ['password'] }),
      },
      'an input that now comes from a Secret': {
        spec: {
          provider: provider({ client: 'postgres', port: 5432 }),
          inputsFrom: [
            { input: 'password', secretKeyRef: { name: 'admin', key: 'password' } },
            { input: 'username', secretKeyRef: { name: 'admin', key: 'username' } },
          ],
        },
        sources: [aSource(), aSource({ input: 'username', key: 'username' })],
        change: declared({ inputs: ['username'] }),
      },
      'an input that no longer comes from a Secret': {
        spec: { provider: provider({ ...inputs, region: 'eu' }), inputsFrom: undefined },
        applied: { sources: [aSource({ input: 'region' })] },
        sources: [],
        change: declared({ inputs: ['region'] }),
      },
      'the whole of an input whose part has another version': {
        spec: { provider: provider({ auth: { user: 'x' } }), inputsFrom: nested },
        applied: { inputs: { auth: { user: 'x' } }, sources: [aSource({ input: 'auth.password' })] },
        sources: [aSource({ input: 'auth.password', resourceVersion: '2' })],
        change: { change: { inputs: ['auth'] }, why: 'source' },
      },
      'the whole of an input that has lost a part': {
        spec: { provider: provider({ auth: { user: 'x' } }), inputsFrom: undefined },
        applied: { inputs: { auth: { user: 'x' } }, sources: [aSource({ input: 'auth.password' })] },
        sources: [],
        change: declared({ inputs: ['auth'] }),
      },
      'the spec and a Secret at once, as declared': {
        spec: { defaultTTL: '2h' },
        sources: [aSource({ resourceVersion: '2' })],
        change: declared({ defaultTTL: '2h', inputs: ['password'] }),
      },
      'no input whose Secret was seen before it was read': {
        applied: { sources: [aSource({ resourceVersion: '10' })] },
        sources: [aSource({ resourceVersion: '9' })],
        change: undefined,
      },
      'no input whose Secret is not known': { sources: [], change: undefined },
    }),
  )('%s', (_sentence, { spec, applied, sources = [aSource()], change }) => {
    const wanted = { spec: aSpec(spec), uid: UID, sources };
    expect(pendingChange(anApplied(applied), wanted)).toEqual(change);
  });
});

describe('what is set right because the server shows it otherwise', () => {
  test.each(
    Object.entries<{
      readonly shows: Partial<ListedDynamicSecret>;
      readonly drift: Partial<Change> | undefined;
    }>({
      'nothing where it shows what is declared': { shows: {}, drift: undefined },
      'no TTL that it writes otherwise': {
        shows: { defaultTTL: '1 hour', maxTTL: '86400000' },
        drift: undefined,
      },
      'another default TTL': { shows: { defaultTTL: '2h' }, drift: { defaultTTL: '1h' } },
      'another maximum': { shows: { maxTTL: '2d' }, drift: { maxTTL: '1d' } },
      'no maximum': { shows: { maxTTL: null }, drift: { maxTTL: '1d' } },
      'a TTL that cannot be read': { shows: { defaultTTL: 'x' }, drift: { defaultTTL: '1h' } },
      'a template that is not declared': {
        shows: { usernameTemplate: 'x' },
        drift: { usernameTemplate: null },
      },
      'no template that is not shown': { shows: { usernameTemplate: undefined }, drift: undefined },
      'no metadata that is not shown': { shows: { metadata: undefined }, drift: undefined },
      'metadata without our mark': {
        shows: { metadata: [{ key: 'team', value: 'orders' }] },
        drift: { metadata: [{ key: 'team', value: 'orders' }, MARK] },
      },
    }),
  )('%s', (_sentence, { shows, drift }) => {
    const expected = drift && { inputs: [], ...drift };
    expect(driftOf(shown(shows), { spec: aSpec(), uid: UID })).toEqual(expected);
  });
});

test('what the server keeps though the spec no longer names it is named', () => {
  const applied = anApplied({
    inputs: { ...inputs, ca: 'x' },
    sources: [aSource(), aSource({ input: 'auth.token' })],
  });
  expect(droppedInputs(applied, aSpec())).toEqual(['auth', 'ca']);
});

test('a declaration holds what the spec says and our mark, and nothing of a Secret', () => {
  expect(declaredOf(aSpec({ maxTTL: undefined }), UID)).toEqual({
    defaultTTL: '1h',
    metadata: [{ key: 'team', value: 'orders' }, MARK],
    provider: { type: 'sql-database', inputs },
  });
});
