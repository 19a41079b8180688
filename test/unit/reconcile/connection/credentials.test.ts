import { describe, expect, test } from 'vitest';

import { KubeError } from '../../../../src/kube/kube-error.ts';
import { credentialsIn } from '../../../../src/reconcile/connection/credentials.ts';
import type { Credential } from '../../../../src/reconcile/ports.ts';

/** A Secret whose one key is read and then read again. */
function stage(first: string | undefined): {
  readonly changed: () => Promise<boolean>;
  readonly read: () => Promise<string>;
  holds: string | undefined | KubeError;
} {
  const made = {
    holds: first as string | undefined | KubeError,
    read: () => credentials.read('spec.auth.token', { secretKeyRef: { name: 'identity', key: 'token' } }),
    changed: () => credentials.changed(),
  };
  const readConfigMap = (): Promise<string | undefined> =>
    made.holds instanceof KubeError ? Promise.reject(made.holds) : Promise.resolve(made.holds);
  const readCredential = async (): Promise<Credential | undefined> => {
    const value = await readConfigMap();
    return value === undefined ? undefined : { value, uid: 'uid', resourceVersion: '1' };
  };
  const credentials = credentialsIn({ readCredential, readConfigMap }, 'shop');
  return made;
}

describe('a change of a credential', () => {
  test.each<[string, string | undefined, string | undefined | KubeError, boolean]>([
    ['to another value is one', 'one', 'two', true],
    ['to the same value is none', 'one', 'one', false],
    ['to nothing is none: the session in memory goes on', 'one', undefined, false],
    [
      'that cannot be seen is none',
      'one',
      new KubeError('get secrets', { status: 403, reason: 'Forbidden' }),
      false,
    ],
    ['from nothing to a value is one', undefined, 'one', true],
  ])('%s', async (_sentence, before, after, changed) => {
    const world = stage(before);
    await world.read().catch(() => undefined);
    world.holds = after;
    expect(await world.changed()).toBe(changed);
  });

  test('is none before anything was read', async () => {
    expect(await stage('one').changed()).toBe(false);
  });

  test('is over once the new one was read', async () => {
    const world = stage('one');
    await world.read();
    world.holds = 'two';
    await world.read();
    expect(await world.changed()).toBe(false);
  });
});
