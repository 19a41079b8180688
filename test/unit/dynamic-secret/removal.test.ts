import { describe, expect, test } from 'vitest';

import { decide } from '../../../src/dynamic-secret/decide.ts';
import type { DecisionInput } from '../../../src/dynamic-secret/input.ts';
import { fault } from '../../../src/errors.ts';
import { anIdentity, ELAPSED, HOST, MINUTE, NOW, SECOND } from '../../support/builders.ts';
import {
  anIntent,
  failed,
  hidden,
  leaving,
  listed,
  seen,
  shown,
  target,
  unavailable,
} from './support/builders.ts';

const refusedConnection = (code: 'ConnectionNotFound' | 'CircuitOpen'): DecisionInput['connection'] => ({
  state: 'refused',
  fault:
    code === 'CircuitOpen'
      ? fault(code, { host: HOST, cause: 'connection refused' })
      : fault(code, { kind: 'InfisicalConnection', name: 'infisical' }),
  again: undefined,
  identity: undefined,
  revision: 'r1',
});

const drop = (left?: string): unknown => ({ do: 'dropFinalizer', left });
const look = (name = 'orders'): unknown => ({ do: 'look', target: target(name) });
const list = { do: 'list', target: target() };
const revoke = (lease: string): unknown => ({ do: 'revoke', target: target(), lease });
const remove = (forced = false): unknown => ({ do: 'remove', target: target(), forced });
const takeBack = { do: 'intend', intent: undefined };
const overdue = { deletedAt: NOW - 10 * MINUTE };
const twoLeases = seen('present', { leases: ['one', 'two'] });
const inProcess = { tries: 1, at: ELAPSED - MINUTE, answer: 'inProcess' } as const;
const goneLongAgo = { tries: 1, at: ELAPSED - 4 * MINUTE, answer: 'gone' } as const;
const failedOnce = { tries: 1, at: ELAPSED - 2 * SECOND, answer: 'failed' } as const;
const asked = (kind: 'Create' | 'Rename', name = 'orders'): DecisionInput['object']['status'] =>
  kind === 'Create' ? { intent: anIntent(kind, name) } : {};

describe('the removal of a dynamic secret', () => {
  test.each(
    Object.entries<{ readonly input: DecisionInput; readonly step: unknown; readonly again?: number }>({
      'an object without the finalizer is gone in a moment': {
        input: leaving({ object: { hasFinalizer: false } }),
        step: { do: 'wait' },
      },
      'nothing was made: let go': { input: leaving({ object: { status: {} } }), step: drop() },
      'nothing was made, and the API server refuses: backed off': {
        input: leaving({ object: { status: {} }, memory: { failures: failed(unavailable) } }),
        step: { do: 'wait' },
      },
      'declared to stay: left': {
        input: leaving({ spec: { deletionPolicy: 'Retain' } }),
        step: drop('declared'),
      },
      'declared to stay, in use: left all the same': {
        input: leaving({ spec: { deletionPolicy: 'Retain' }, input: { users: ['one'] } }),
        step: drop('declared'),
      },
      'in use: kept, and looked at now and then': {
        input: leaving({ input: { users: ['one'] } }),
        step: { do: 'wait' },
        again: 5 * MINUTE,
      },
      'in use in a namespace that ends: kept until time is over': {
        input: leaving({
          object: { deletedAt: NOW - 7 * MINUTE },
          input: { users: ['one'], namespaceEnding: true },
        }),
        step: { do: 'wait' },
        again: 3 * MINUTE,
      },
      'time is over in a namespace that ends: left': {
        input: leaving({ object: overdue, input: { users: ['one'], namespaceEnding: true } }),
        step: drop('timeout'),
      },
      'time is over, and whether the namespace ends is not known: left': {
        input: leaving({ object: overdue, input: { namespaceEnding: undefined } }),
        step: drop('timeout'),
      },
      'time is over in a namespace that stays: not given up': {
        input: leaving({ object: overdue }),
        step: remove(),
      },
      'the connection exists no more: left': {
        input: leaving({ input: { connection: refusedConnection('ConnectionNotFound') } }),
        step: drop('unreachable'),
      },
      'the connection does not work just now: waited for': {
        input: leaving({ input: { connection: refusedConnection('CircuitOpen') } }),
        step: { do: 'refuse', fault: expect.objectContaining({ code: 'CircuitOpen' }) as unknown },
      },
      'the connection leads elsewhere: waited for': {
        input: leaving({
          input: {
            connection: { state: 'usable', identity: anIdentity({ host: 'https://x' }), revision: 'r1' },
          },
        }),
        step: { do: 'refuse', fault: expect.objectContaining({ code: 'DynamicSecretElsewhere' }) as unknown },
      },
      'a Secret of the inputs that is not there matters no more': {
        input: leaving({
          input: {
            sources: {
              state: 'refused',
              fault: fault('CredentialNotFound', {
                field: 'spec.inputsFrom',
                secret: 'admin',
                key: 'password',
              }),
              again: undefined,
            },
          },
        }),
        step: remove(),
      },
      'a spec that is not in order matters no more where its place is known': {
        input: leaving({
          object: { spec: { valid: false, fault: fault('InvalidSpec', { field: 'spec.name', rule: 'x' }) } },
        }),
        step: remove(),
      },
      'a backoff is waited for': {
        input: leaving({ memory: { failures: failed(unavailable) } }),
        step: { do: 'wait' },
      },
      'a lost answer is looked after': { input: leaving({ memory: { doubtful: true } }), step: look() },
      'a creation may have been asked for: looked at': {
        input: leaving({ object: { status: asked('Create') }, memory: { sighting: undefined } }),
        step: look(),
      },
      'a creation may still come: waited for': {
        input: leaving({
          object: { status: asked('Create') },
          memory: { sighting: seen('absent', { steady: 20_000 }) },
        }),
        step: { do: 'wait' },
        again: 69 * SECOND,
      },
      'a creation cannot come any more: taken back': {
        input: leaving({
          object: { status: asked('Create') },
          memory: { sighting: seen('absent', { steady: 90_000 }) },
        }),
        step: takeBack,
      },
      'a creation has worked: acknowledged, to be removed': {
        input: leaving({ object: { status: asked('Create') }, memory: { listing: hidden() } }),
        step: { do: 'acknowledge', target: target() },
      },
      'a creation may have worked, but another object has what is there: taken back': {
        input: {
          ...leaving({ object: { status: asked('Create') }, memory: { listing: hidden() } }),
          held: ['orders'],
        },
        step: takeBack,
      },
      'a creation was refused, and another is there: taken back': {
        input: leaving({ object: { status: asked('Create') }, memory: { surelyRefused: true } }),
        step: takeBack,
      },
      'a rename has worked: acknowledged, to be removed': {
        input: leaving({
          status: { intent: anIntent('Rename', 'sales') },
          memory: {
            sighting: seen('absent'),
            sightingOfNewName: seen('present', { name: 'sales' }),
            listing: hidden(),
          },
        }),
        step: { do: 'acknowledge', target: target('sales') },
      },
      'a rename may still come: waited for': {
        input: leaving({
          status: { intent: anIntent('Rename', 'sales') },
          memory: { sightingOfNewName: seen('absent', { name: 'sales' }) },
        }),
        step: { do: 'wait' },
      },
      'not looked at: looked at': { input: leaving({ memory: { sighting: undefined } }), step: look() },
      'absent once: looked at again': {
        input: leaving({ memory: { sighting: seen('absent') } }),
        step: { do: 'wait' },
        again: 9000,
      },
      'absent, listed by another name: removed there': {
        input: leaving({ memory: { sighting: seen('absent'), listing: listed(shown({ name: 'other' })) } }),
        step: { do: 'acknowledge', target: target('other') },
      },
      'absent twice: let go': {
        input: leaving({ memory: { sighting: seen('absent', { steady: 10_000 }), listing: hidden() } }),
        step: drop(),
      },
      'absent once after a DELETE that said so: let go': {
        input: leaving({ memory: { sighting: seen('absent'), removal: { ...inProcess, answer: 'gone' } } }),
        step: drop(),
      },
      'absent once after a DELETE that found none: let go': {
        input: leaving({ memory: { sighting: seen('absent'), removal: { ...inProcess, answer: 'absent' } } }),
        step: drop(),
      },
      'present after a DELETE that found none: removed again': {
        input: leaving({ memory: { removal: { ...inProcess, answer: 'absent' } } }),
        step: remove(),
      },
      'gone by its DELETE, and present soon after: looked at, and nothing else': {
        input: leaving({ memory: { sighting: twoLeases, removal: { ...inProcess, answer: 'gone' } } }),
        step: { do: 'wait' },
        again: 4000,
      },
      'gone by its DELETE, and present long after: listed': {
        input: leaving({ memory: { sighting: twoLeases, removal: goneLongAgo, listing: undefined } }),
        step: list,
      },
      'gone by its DELETE, and present long after, by which name nothing of ours is listed: left alone': {
        input: leaving({ memory: { sighting: twoLeases, removal: goneLongAgo, listing: hidden() } }),
        step: drop('foreign'),
      },
      'gone by its DELETE, and ours is listed long after: its leases are revoked, as before': {
        input: leaving({ memory: { sighting: twoLeases, removal: goneLongAgo, listing: listed(shown()) } }),
        step: revoke('one'),
      },
      'present, not listed: listed': { input: leaving({ memory: { listing: undefined } }), step: list },
      'the mark of another: left alone': {
        input: leaving({
          memory: { listing: listed(shown({ metadata: [{ key: 'leaseholder-object', value: 'another' }] })) },
        }),
        step: drop('foreign'),
      },
      'another id: left alone': {
        input: leaving({ memory: { listing: listed(shown({ id: 'id-9', metadata: [] })) } }),
        step: drop('foreign'),
      },
      'leases live there: the first is revoked': {
        input: leaving({ memory: { sighting: twoLeases } }),
        step: revoke('one'),
      },
      'the first was tried: the second is revoked': {
        input: leaving({
          memory: { sighting: twoLeases, revocations: new Map([['one', ELAPSED + MINUTE]]) },
        }),
        step: revoke('two'),
      },
      'all were tried: waited for': {
        input: leaving({
          memory: {
            sighting: twoLeases,
            revocations: new Map([
              ['one', ELAPSED + 3000],
              ['two', ELAPSED + 9000],
            ]),
          },
        }),
        step: { do: 'wait' },
        again: 3000,
      },
      'a try is due again, by a look of a while ago: looked at first': {
        input: leaving({
          memory: {
            sighting: seen('present', { leases: ['one'], ago: 6000 }),
            revocations: new Map([['one', ELAPSED - 1]]),
          },
        }),
        step: look(),
      },
      'no leases: removed': { input: leaving(), step: remove() },
      'no leases, by a look of a while ago: looked at first': {
        input: leaving({ memory: { sighting: seen('present', { ago: 6000, steady: 60_000 }) } }),
        step: look(),
      },
      'no leases, by a look and a list that took the server long: removed': {
        input: leaving({
          memory: {
            sighting: seen('present', { ago: 80_000, steady: 60_000, took: 40_000 }),
            listing: listed(shown(), 40_000, 40_000),
          },
        }),
        step: remove(),
      },
      'no leases, by a look and a list of a while ago that took the server long: looked at first': {
        input: leaving({
          memory: {
            sighting: seen('present', { ago: 86_000, steady: 60_000, took: 40_000 }),
            listing: listed(shown(), 45_000, 40_000),
          },
        }),
        step: look(),
      },
      'under way: looked at every few seconds': {
        input: leaving({ memory: { removal: inProcess, listing: hidden() } }),
        step: { do: 'wait' },
        again: 4000,
      },
      'under way, and the list may tell: listed': {
        input: leaving({
          memory: {
            sighting: seen('present', { steady: MINUTE }),
            removal: inProcess,
            listing: listed(shown(), 2000),
          },
        }),
        step: list,
      },
      'under way and listed as failed: removed again': {
        input: leaving({
          memory: { removal: inProcess, listing: listed(shown({ status: 'Failed to delete' })) },
        }),
        step: remove(),
      },
      'under way for longer than can be: removed again': {
        input: leaving({ memory: { removal: { ...inProcess, at: ELAPSED - 5 * MINUTE } } }),
        step: remove(),
      },
      'failed: tried again after a while': {
        input: leaving({ memory: { removal: failedOnce } }),
        step: { do: 'wait' },
        again: 3000,
      },
      'failed often: tried again after two minutes at most': {
        input: leaving({ memory: { removal: { ...failedOnce, tries: 20 } } }),
        step: { do: 'wait' },
        again: 118 * SECOND,
      },
      'forced: the first removal is not': { input: leaving({ object: { forced: true } }), step: remove() },
      'forced: leases are revoked first all the same': {
        input: leaving({ object: { forced: true }, memory: { sighting: twoLeases } }),
        step: revoke('one'),
      },
      'forced, after a removal that failed: by force': {
        input: leaving({
          object: { forced: true },
          memory: { removal: { ...failedOnce, at: ELAPSED - 5000 } },
        }),
        step: remove(true),
      },
      'forced, after a revocation that failed: by force': {
        input: leaving({
          object: { forced: true },
          memory: {
            sighting: twoLeases,
            revocations: new Map([['one', ELAPSED + MINUTE]]),
            unrevoked: new Set(['one']),
          },
        }),
        step: remove(true),
      },
      'not forced, after a revocation that failed: it is tried again, and nothing removed': {
        input: leaving({
          memory: {
            sighting: seen('present', { leases: ['one'] }),
            revocations: new Map([['one', ELAPSED - 1]]),
            unrevoked: new Set(['one']),
          },
        }),
        step: revoke('one'),
      },
    }),
  )('%s', (_sentence, { input, step, again }) => {
    const plan = decide(input);
    expect(plan.step).toEqual(step);
    expect(decide(input)).toEqual(plan);
    expect(again === undefined || plan.again === again).toBe(true);
  });
});
