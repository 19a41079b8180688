import { describe, expect, test } from 'vitest';

import { decide } from '../../../src/dynamic-secret/decide.ts';
import type { DecisionInput } from '../../../src/dynamic-secret/input.ts';
import { fault } from '../../../src/errors.ts';
import { anIdentity, ELAPSED, HOST, HOUR, instant, MINUTE, SECOND } from '../../support/builders.ts';
import {
  anApplied,
  anInput,
  anIntent,
  aPlace,
  aSource,
  aStatus,
  failed,
  hidden,
  listed,
  MARK,
  seen,
  shown,
  target,
  unavailable,
  unmade,
} from './support/builders.ts';

const anothers = shown({ metadata: [{ key: 'leaseholder-object', value: 'another' }] });
const unmarked = shown({ id: 'id-9', metadata: [] });
const invalid = fault('InvalidSpec', { field: 'spec.name', rule: 'must be a name' });
const notFound = fault('ConnectionNotFound', { kind: 'InfisicalConnection', name: 'infisical' });
const noKey = fault('CredentialNotFound', { field: 'spec.inputsFrom', secret: 'admin', key: 'password' });

const opened = (
  memory: DecisionInput['memory'] | Partial<DecisionInput['memory']>,
  name = 'orders',
): DecisionInput => unmade({ object: { status: { intent: anIntent('Create', name) } }, memory });

const renaming = (
  memory: Partial<DecisionInput['memory']>,
  { spec = 'sales', intent = 'sales' } = {},
): DecisionInput => anInput({ spec: { name: spec }, status: { intent: anIntent('Rename', intent) }, memory });

const oldName = (existence: 'absent' | 'present', steady = 0): DecisionInput['memory']['sighting'] =>
  seen(existence, { steady });
const newName = (existence: 'absent' | 'present'): DecisionInput['memory']['sighting'] =>
  seen(existence, { name: 'sales' });

const whole = {
  inputs: ['client', 'password', 'port', 'username'],
  defaultTTL: '1h',
  maxTTL: '1d',
  usernameTemplate: null,
  metadata: [{ key: 'team', value: 'orders' }, MARK],
};

interface Row {
  readonly input: DecisionInput;
  readonly step: unknown;
}

const refusing = (code: string): unknown => ({
  do: 'refuse',
  fault: expect.objectContaining({ code }) as unknown,
});
const look = (name = 'orders'): unknown => ({ do: 'look', target: target(name) });
const list = (name = 'orders'): unknown => ({ do: 'list', target: target(name) });
const takeBack = { do: 'intend', intent: undefined };
const intends = (kind: string, name: string): unknown => ({
  do: 'intend',
  intent: { kind, name, connection: anIdentity(), at: instant(0) },
});

describe('what is decided', () => {
  test.each(
    Object.entries<Row>({
      'an object without the finalizer gets it first': {
        input: unmade({ object: { hasFinalizer: false } }),
        step: { do: 'claim' },
      },
      'the finalizer, too, waits for a backoff to be over': {
        input: unmade({ object: { hasFinalizer: false }, memory: { failures: failed(unavailable) } }),
        step: { do: 'wait' },
      },
      'a spec that is not in order is refused': {
        input: unmade({ object: { spec: { valid: false, fault: invalid } } }),
        step: { do: 'refuse', fault: invalid },
      },
      'a connection that does not exist is a reason to wait': {
        input: anInput({
          input: {
            connection: {
              state: 'refused',
              fault: notFound,
              again: undefined,
              identity: undefined,
              revision: '',
            },
          },
        }),
        step: { do: 'refuse', fault: notFound },
      },
      'a connection to another server is not followed': {
        input: anInput({
          input: {
            connection: { state: 'usable', identity: anIdentity({ host: `${HOST}.eu` }), revision: 'r1' },
          },
        }),
        step: refusing('DynamicSecretElsewhere'),
      },
      'a connection to another server is not followed while a creation is open either': {
        input: unmade({
          object: { status: { intent: anIntent() } },
          input: {
            connection: { state: 'usable', identity: anIdentity({ host: `${HOST}.eu` }), revision: 'r1' },
          },
        }),
        step: refusing('DynamicSecretElsewhere'),
      },
      'another connection to the same server does as well': {
        input: anInput({
          input: { connection: { state: 'usable', identity: anIdentity({ uid: 'other' }), revision: 'r1' } },
        }),
        step: { do: 'wait' },
      },
      'a Secret of the inputs that is not there is a reason to wait': {
        input: anInput({ input: { sources: { state: 'refused', fault: noKey, again: undefined } } }),
        step: { do: 'refuse', fault: noKey },
      },
      'a backoff is waited for': {
        input: unmade({ memory: { failures: failed(unavailable) } }),
        step: { do: 'wait' },
      },
      'a backoff of another generation is not': {
        input: unmade({ object: { generation: 2 }, memory: { failures: failed(unavailable) } }),
        step: look(),
      },
      'a backoff ends with another version of a Secret': {
        input: unmade({
          input: { sources: { state: 'known', sources: [aSource({ resourceVersion: '2' })] } },
          memory: { failures: failed(unavailable) },
        }),
        step: look(),
      },
      'a backoff that only the status knows is waited for': {
        input: unmade({
          object: {
            status: {
              observedGeneration: 1,
              attempts: { count: 1, reason: 'NoAnswer', nextAt: instant(MINUTE) },
            },
          },
        }),
        step: { do: 'wait' },
      },
      'a backoff of the status no longer counts once this process has tried': {
        input: unmade({
          object: {
            status: {
              observedGeneration: 1,
              attempts: { count: 1, reason: 'NoAnswer', nextAt: instant(MINUTE) },
            },
          },
          memory: { tried: true },
        }),
        step: look(),
      },
      'a lost answer is looked after, whatever was seen before': {
        input: anInput({ memory: { doubtful: true } }),
        step: look(),
      },
      'what is not known is looked at': { input: unmade(), step: look() },
      'a look of another name tells nothing': {
        input: unmade({ memory: { sighting: seen('absent', { name: 'sales' }) } }),
        step: look(),
      },
      'a look of long ago tells nothing': {
        input: unmade({ memory: { sighting: seen('absent', { ago: 6 * MINUTE }) } }),
        step: look(),
      },
      'absent: the creation is announced': {
        input: unmade({ memory: { sighting: seen('absent') } }),
        step: intends('Create', 'orders'),
      },
      'absent, but not just now: looked at once more before it is announced': {
        input: unmade({ memory: { sighting: seen('absent', { ago: 11 * SECOND }) } }),
        step: look(),
      },
      'announced and absent: created': {
        input: opened({ sighting: seen('absent') }),
        step: { do: 'create', target: target() },
      },
      'announced, and nothing known: looked at': { input: opened({}), step: look() },
      'announced and present: listed first': { input: opened({ sighting: seen('present') }), step: list() },
      'announced and present, a list from before that tells nothing': {
        input: opened({ sighting: seen('present'), listing: hidden(2000) }),
        step: list(),
      },
      'announced and present on a server that tells nothing: ours': {
        input: opened({ sighting: seen('present'), listing: hidden() }),
        step: { do: 'acknowledge', target: target() },
      },
      'announced and present without any metadata: ours': {
        input: opened({ sighting: seen('present'), listing: listed(unmarked) }),
        step: { do: 'acknowledge', target: target() },
      },
      'announced and present with our mark: ours': {
        input: opened({ sighting: seen('present'), listing: listed(shown()) }),
        step: { do: 'acknowledge', target: target() },
      },
      'announced and present with the mark of another: not ours': {
        input: opened({ sighting: seen('present'), listing: listed(anothers) }),
        step: takeBack,
      },
      'announced and present with metadata that lacks our mark: not ours': {
        input: opened({
          sighting: seen('present'),
          listing: listed(shown({ metadata: [{ key: 'team', value: 'sales' }] })),
        }),
        step: takeBack,
      },
      'announced and present where no mark tells, and another object has it: not ours': {
        input: { ...opened({ sighting: seen('present'), listing: hidden() }), held: ['orders'] },
        step: takeBack,
      },
      'announced and present with our mark: ours, whatever another object says': {
        input: { ...opened({ sighting: seen('present'), listing: listed(shown()) }), held: ['orders'] },
        step: { do: 'acknowledge', target: target() },
      },
      'announced and present, though every request was surely refused: not ours': {
        input: opened({ sighting: seen('present'), listing: hidden(), surelyRefused: true }),
        step: takeBack,
      },
      'announced by a name that the spec has given up, absent: waited until no request can come any more': {
        input: opened({ sighting: seen('absent', { name: 'old' }) }, 'old'),
        step: { do: 'wait' },
      },
      'announced by a name that the spec has given up, absent for long: taken back': {
        input: opened({ sighting: seen('absent', { name: 'old', steady: 90 * SECOND }) }, 'old'),
        step: takeBack,
      },
      'announced by a name that the spec has given up, and refused: taken back': {
        input: opened({ sighting: seen('absent', { name: 'old' }), surelyRefused: true }, 'old'),
        step: takeBack,
      },
      'announced by a name that the spec has given up, present: ours, to be renamed': {
        input: opened({ sighting: seen('present', { name: 'old' }), listing: hidden() }, 'old'),
        step: { do: 'acknowledge', target: target('old') },
      },
      'present without an announcement: listed': {
        input: unmade({ memory: { sighting: seen('present') } }),
        step: list(),
      },
      'present without an announcement, with our mark: ours': {
        input: unmade({ memory: { sighting: seen('present'), listing: listed(shown()) } }),
        step: { do: 'acknowledge', target: target() },
      },
      'present without an announcement: refused': {
        input: unmade({ memory: { sighting: seen('present'), listing: hidden() } }),
        step: refusing('DynamicSecretExists'),
      },
      'present without an announcement, to be adopted: told everything': {
        input: unmade({
          spec: { adoption: 'Adopt' },
          memory: { sighting: seen('present'), listing: hidden() },
        }),
        step: { do: 'update', target: target(), change: whole, why: 'adopted' },
      },
      "another object's is refused": {
        input: unmade({ memory: { sighting: seen('present'), listing: listed(anothers) } }),
        step: refusing('DynamicSecretOwned'),
      },
      "another object's is refused also where it is to be adopted": {
        input: unmade({
          spec: { adoption: 'Adopt' },
          memory: { sighting: seen('present'), listing: listed(anothers) },
        }),
        step: refusing('DynamicSecretOwned'),
      },
      'what another object of the cluster has is refused, though no mark tells': {
        input: unmade({
          spec: { adoption: 'Adopt' },
          memory: { sighting: seen('present'), listing: hidden() },
          input: { held: ['orders'] },
        }),
        step: refusing('DynamicSecretOwned'),
      },
      'what another object of the cluster has, and has lost just now, is left to it to make': {
        input: unmade({ memory: { sighting: seen('absent') }, input: { held: ['orders'] } }),
        step: refusing('DynamicSecretOwned'),
      },
      'what is of another type is not adopted': {
        input: unmade({
          spec: { adoption: 'Adopt' },
          memory: { sighting: seen('present'), listing: listed(shown({ metadata: [], type: 'redis' })) },
        }),
        step: refusing('InvalidSpec'),
      },
      'another name in the spec: the new name is looked at': {
        input: anInput({ spec: { name: 'sales' } }),
        step: look('sales'),
      },
      'another name in the spec, free: the rename is announced': {
        input: anInput({ spec: { name: 'sales' }, memory: { sightingOfNewName: newName('absent') } }),
        step: intends('Rename', 'sales'),
      },
      'another name in the spec, taken: refused': {
        input: anInput({ spec: { name: 'sales' }, memory: { sightingOfNewName: newName('present') } }),
        step: refusing('DynamicSecretExists'),
      },
      'a rename announced: the old name is looked at': {
        input: renaming({ sighting: undefined }),
        step: look(),
      },
      'a rename announced: the new name is looked at': { input: renaming({}), step: look('sales') },
      'a rename announced, only the old name there: renamed, and nothing else': {
        input: renaming({ sightingOfNewName: newName('absent') }),
        step: {
          do: 'update',
          target: target(),
          change: { inputs: [], newName: 'sales' },
          why: 'renamed',
        },
      },
      'a rename announced, only the new name there: listed': {
        input: renaming({
          sighting: oldName('absent'),
          sightingOfNewName: newName('present'),
          listing: undefined,
        }),
        step: list('sales'),
      },
      'a rename announced, only the new name there: it has worked': {
        input: renaming({
          sighting: oldName('absent'),
          sightingOfNewName: newName('present'),
          listing: hidden(),
        }),
        step: { do: 'acknowledge', target: target('sales') },
      },
      'a rename announced, only the new name there, and another object has it: not ours': {
        input: {
          ...renaming({
            sighting: oldName('absent'),
            sightingOfNewName: newName('present'),
            listing: hidden(),
          }),
          held: ['sales'],
        },
        step: takeBack,
      },
      'a rename announced, only the new name there, with another id: not ours': {
        input: renaming({
          sighting: oldName('absent'),
          sightingOfNewName: newName('present'),
          listing: listed(shown({ id: 'id-9', name: 'sales', metadata: [] })),
        }),
        step: takeBack,
      },
      'a rename announced, both there by a look that may lag: looked at again': {
        input: renaming({ sightingOfNewName: newName('present'), listing: hidden() }),
        step: { do: 'wait' },
      },
      'a rename announced, both there, and the new one ours by its id: it has worked': {
        input: renaming({
          sightingOfNewName: newName('present'),
          listing: listed(shown({ name: 'sales', metadata: undefined })),
        }),
        step: { do: 'acknowledge', target: target('sales') },
      },
      'a rename announced, both there: another has the name': {
        input: renaming({
          sighting: oldName('present', 10 * SECOND),
          sightingOfNewName: newName('present'),
          listing: hidden(),
        }),
        step: takeBack,
      },
      'a rename announced, both there, and refused: another has the name': {
        input: renaming({ sightingOfNewName: newName('present'), listing: hidden(), surelyRefused: true }),
        step: takeBack,
      },
      'a rename announced, neither there: looked at again': {
        input: renaming({ sighting: oldName('absent'), sightingOfNewName: newName('absent') }),
        step: { do: 'wait' },
      },
      'a rename announced, neither there twice: the old name is given up': {
        input: renaming({ sighting: oldName('absent', 10 * SECOND), sightingOfNewName: newName('absent') }),
        step: { do: 'forget', target: target() },
      },
      'a rename announced, neither there twice, but listed by a third name: that is where it is': {
        input: renaming({
          sighting: oldName('absent', 10 * SECOND),
          sightingOfNewName: newName('absent'),
          listing: listed(shown({ name: 'third' })),
        }),
        step: { do: 'acknowledge', target: target('third') },
      },
      'a rename that the spec has given up: waited until it cannot come any more': {
        input: renaming({ sightingOfNewName: newName('absent') }, { spec: 'orders' }),
        step: { do: 'wait' },
      },
      'a rename that the spec has given up, settled: taken back': {
        input: renaming(
          { sighting: oldName('present', 90 * SECOND), sightingOfNewName: newName('absent') },
          { spec: 'orders' },
        ),
        step: takeBack,
      },
      'a rename that the spec has given up, and that has worked: acknowledged': {
        input: renaming(
          { sighting: oldName('absent'), sightingOfNewName: newName('present'), listing: hidden() },
          { spec: 'orders' },
        ),
        step: { do: 'acknowledge', target: target('sales') },
      },
      'a rename to the name that it has is none': {
        input: renaming({}, { spec: 'orders', intent: 'orders' }),
        step: takeBack,
      },
      'absent once: looked at again later': {
        input: anInput({ memory: { sighting: seen('absent') } }),
        step: { do: 'wait' },
      },
      'absent, and no list since: listed': {
        input: anInput({ memory: { sighting: seen('absent'), listing: undefined } }),
        step: list(),
      },
      'absent, but listed by another name: that is where it is': {
        input: anInput({ memory: { sighting: seen('absent'), listing: listed(shown({ name: 'other' })) } }),
        step: { do: 'acknowledge', target: target('other') },
      },
      'absent twice: created again': {
        input: anInput({ memory: { sighting: seen('absent', { steady: 10 * SECOND }), listing: hidden() } }),
        step: intends('Create', 'orders'),
      },
      'absent twice, and the spec has another name: the old one is given up': {
        input: anInput({
          spec: { name: 'sales' },
          memory: {
            sighting: seen('absent', { steady: 10 * SECOND }),
            sightingOfNewName: newName('present'),
            listing: hidden(),
          },
        }),
        step: { do: 'forget', target: target() },
      },
      'absent right after a change, by a look that may lag: looked at again later': {
        input: anInput({
          memory: {
            sighting: seen('absent', { steady: 9 * SECOND }),
            listing: hidden(),
            changedAt: ELAPSED - 11 * SECOND,
          },
        }),
        step: { do: 'wait' },
      },
      'no list: listed': { input: anInput({ memory: { listing: undefined } }), step: list() },
      'no list, right after a change: not yet': {
        input: anInput({ memory: { listing: undefined, changedAt: ELAPSED - SECOND } }),
        step: { do: 'wait' },
      },
      'a list of long ago: listed': {
        input: anInput({ memory: { listing: listed(shown(), 6 * MINUTE) } }),
        step: list(),
      },
      'another id by its name: refused': {
        input: anInput({ memory: { listing: listed(unmarked) } }),
        step: refusing('DynamicSecretExists'),
      },
      'another id by its name, to be adopted: told everything': {
        input: anInput({ spec: { adoption: 'Adopt' }, memory: { listing: listed(unmarked) } }),
        step: { do: 'update', target: target(), change: whole, why: 'adopted' },
      },
      'another id by its name, with our mark: ours': {
        input: anInput({ memory: { listing: listed(shown({ id: 'id-9' })) } }),
        step: { do: 'wait' },
      },
      'the mark of another by its name: refused': {
        input: anInput({ memory: { listing: listed(anothers) } }),
        step: refusing('DynamicSecretOwned'),
      },
      'what was told is not known: told everything': {
        input: anInput({ object: { status: { place: aPlace() } } }),
        step: { do: 'update', target: target(), change: whole, why: 'declared' },
      },
      'a TTL has changed: it is sent, and nothing else': {
        input: anInput({ spec: { defaultTTL: '2h' } }),
        step: { do: 'update', target: target(), change: { inputs: [], defaultTTL: '2h' }, why: 'declared' },
      },
      'a Secret has another version: its input is sent, and nothing else': {
        input: anInput({
          input: { sources: { state: 'known', sources: [aSource({ resourceVersion: '2' })] } },
        }),
        step: { do: 'update', target: target(), change: { inputs: ['password'] }, why: 'source' },
      },
      'the server shows another TTL: set right': {
        input: anInput({ memory: { listing: listed(shown({ defaultTTL: '2h' })) } }),
        step: { do: 'update', target: target(), change: { inputs: [], defaultTTL: '1h' }, why: 'drift' },
      },
      'the server shows what the same correction did not help against: left for now': {
        input: anInput({
          memory: {
            listing: listed(shown({ defaultTTL: '2h' })),
            corrected: { change: { inputs: [], defaultTTL: '1h' }, at: ELAPSED - 10 * MINUTE },
          },
        }),
        step: { do: 'wait' },
      },
      'the same again after an hour: set right': {
        input: anInput({
          memory: {
            listing: listed(shown({ defaultTTL: '2h' })),
            corrected: { change: { inputs: [], defaultTTL: '1h' }, at: ELAPSED - HOUR },
          },
        }),
        step: { do: 'update', target: target(), change: { inputs: [], defaultTTL: '1h' }, why: 'drift' },
      },
      'what is hidden has not drifted': {
        input: anInput({ memory: { listing: hidden() } }),
        step: { do: 'wait' },
      },
      'all is well': { input: anInput(), step: { do: 'wait' } },
      'an input that the spec no longer names cannot be cleared: nothing is sent': {
        input: anInput({
          status: aStatus({ applied: anApplied({ inputs: { ...anApplied().inputs, ca: 'x' } }) }),
        }),
        step: { do: 'wait' },
      },
    }),
  )('%s', (_sentence, { input, step }) => {
    const plan = decide(input);
    expect(plan.step).toEqual(step);
    expect(decide(input)).toEqual(plan);
  });

  test('what is settled is looked at again within a tenth of five minutes', () => {
    const { again = 0 } = decide(anInput());
    expect(again).toBeGreaterThan(4.5 * MINUTE - 2 * SECOND);
    expect(again).toBeLessThan(5.5 * MINUTE);
  });
});
