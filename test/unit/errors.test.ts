import { describe, expect, test } from 'vitest';

import { fault, faultCodes, FaultError, retryClass } from '../../src/errors.ts';
import { exampleFaults } from '../../tools/example-faults.ts';
import { renderConditionsDoc } from '../../tools/conditions-doc.ts';
import { reasons } from '../../src/api/condition.ts';

describe('the table of faults', () => {
  test('has an example of every code, and of no other, in its order', () => {
    expect(exampleFaults.map(({ code }) => code).toSorted()).toEqual([...faultCodes].toSorted());
  });

  test.each(exampleFaults)('$code has a sentence for people', ({ message }) => {
    expect(message).not.toMatch(/undefined|\[object|NaN|null|\$\{/);
    expect(message).toMatch(/^\w.*[^.]\.$/s);
    expect(message).not.toMatch(/ {2}|\n/);
    expect(message.length).toBeLessThanOrEqual(1024);
    expect(message.length).toBeGreaterThan(20);
  });

  test.each(['universal', 'kubernetes', 'oidc', 'jwt', 'ldap', 'aws', 'azure', 'gcp'] as const)(
    'a login by %s that is refused has a sentence that names the field to look at',
    (method) => {
      const { message } = fault('LoginRefused', { host: 'https://infisical.example', status: 401, method });
      expect(message).toContain(`spec.auth.${method}`);
      expect(message).toMatch(/^https.*[^.]\.$/);
      expect(message.length).toBeLessThanOrEqual(1024);
    },
  );

  test('a server that fails over a login is told so that one looks at the login', () => {
    const details = { host: 'https://infisical.example', status: 500 };
    expect(fault('ServerFailed', { ...details, request: 'log in' }).message).toContain('check spec.auth');
    expect(fault('ServerFailed', { ...details, request: 'create a lease' }).message).not.toContain(
      'spec.auth',
    );
  });

  test.each(exampleFaults)('$code is retried as its row says', ({ code, retry }) => {
    expect(retry).toBe(retryClass(code));
    expect(['backoff', 'slow', 'rare', 'change']).toContain(retry);
  });

  test('has one code of which each try costs a lease', () => {
    expect(faultCodes.filter((code) => retryClass(code) === 'rare')).toEqual(['SecretInvalid']);
  });

  test('leaves to a change of the object only what nothing else can mend', () => {
    const byChange = faultCodes.filter((code) => retryClass(code) === 'change');
    // Connections, grants, the labels that grants go by, and DynamicSecrets are watched: a change counts as the object's.
    expect(byChange.toSorted()).toEqual([
      'CloudIdentityNotAllowed',
      'ClusterConnectionsOff',
      'ConnectionElsewhere',
      'ConnectionInvalid',
      'ConnectionNotFound',
      'DynamicSecretDeleted',
      'DynamicSecretElsewhere',
      'DynamicSecretNotFound',
      'HostNotAllowed',
      'InvalidSpec',
      'NotGranted',
    ]);
  });

  test('is what the page about conditions shows', () => {
    const page = renderConditionsDoc();
    for (const reason of reasons) expect(page).toContain(`| \`${reason}\` |`);
    expect(page).not.toMatch(/undefined|\[object/);
  });
});

describe('a fault', () => {
  test('names what it is given', () => {
    expect(fault('SecretConflict', { secret: 'orders-db' })).toEqual({
      code: 'SecretConflict',
      retry: 'slow',
      message:
        'Secret orders-db exists and does not belong to this object, so it is left as it is. Delete it, choose another spec.secret.name, or have it taken over (spec.secret.adoption).',
    });
  });

  test('carries the wish of the server only where there is one', () => {
    expect(fault('RateLimited', { host: 'h' }, 3000).retryAfter).toBe(3000);
    expect(fault('RateLimited', { host: 'h' }, 0).retryAfter).toBe(0);
    expect(fault('RateLimited', { host: 'h' })).not.toHaveProperty('retryAfter');
  });

  test('is the same for the same details: no time and no counter is in it', () => {
    expect(fault('ServerFailed', { host: 'h', status: 500, request: 'revoke a lease' })).toEqual(
      fault('ServerFailed', { host: 'h', status: 500, request: 'revoke a lease' }),
    );
  });

  test('on its way up is an error with its sentence, and keeps its cause', () => {
    const cause = new Error('ECONNRESET');
    const raised = fault('Internal', undefined);
    const error = new FaultError(raised, { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'FaultError', message: raised.message, fault: raised, cause });
  });
});
