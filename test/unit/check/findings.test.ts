import { describe, expect, test } from 'vitest';

import { clockFinding, type Clocks } from '../../../src/check/clocks.ts';
import { exitCodeOf, inOrder, type Finding } from '../../../src/check/finding.ts';
import { render } from '../../../src/check/render.ts';
import { entryFindings, wayFindings } from '../../../src/check/stages.ts';
import { fault, type Fault } from '../../../src/errors.ts';

const HOST = 'https://infisical.example.com';

/** `check result` of each. */
function told(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ check, result }) => `${check} ${result}`);
}

describe('the way to a server', () => {
  const rows: Record<string, { raised?: Fault; host?: string; is: readonly string[] }> = {
    'that is good': { is: ['host ok', 'network ok', 'tls ok', 'api ok'] },
    'without TLS': { host: 'http://infisical', is: ['host ok', 'network ok', 'tls warns', 'api ok'] },
    'where the operator does not go': {
      raised: fault('HostNotAllowed', { host: HOST, list: 'infisical.example.com' }),
      is: ['host fails', 'network skipped', 'tls skipped', 'api skipped'],
    },
    'to an address where it does not go': {
      raised: fault('AddressNotAllowed', { host: HOST, kind: 'a loopback address' }),
      is: ['host fails', 'network skipped', 'tls skipped', 'api skipped'],
    },
    'whose name nobody knows': {
      raised: fault('ServerUnreachable', { host: HOST, cause: 'host name not found' }),
      is: ['host ok', 'network fails', 'tls skipped', 'api skipped'],
    },
    'whose certificate is not trusted': {
      raised: fault('CertificateUntrusted', { host: HOST, cause: 'unknown issuer' }),
      is: ['host ok', 'network ok', 'tls fails', 'api skipped'],
    },
    'where something else answers': {
      raised: fault('UnexpectedAnswer', { host: HOST, status: 200, problem: 'a body that is not JSON' }),
      is: ['host ok', 'network ok', 'tls ok', 'api fails'],
    },
    'whose CA cannot be read': {
      raised: fault('CredentialNotFound', { field: 'spec.caBundle', secret: 'ca', key: 'ca.crt' }),
      is: ['credentials fails', 'host skipped', 'network skipped', 'tls skipped', 'api skipped'],
    },
    'of a spec that is refused': {
      raised: fault('ConnectionInvalid', { field: 'spec.insecureSkipVerify', rule: 'is true' }),
      is: ['connection fails', 'host skipped', 'network skipped', 'tls skipped', 'api skipped'],
    },
  };

  test.each(Object.entries(rows))('%s', (_which, { raised, host = HOST, is }) => {
    const found = wayFindings(host, raised);
    expect(told(found)).toEqual(is);
    const failed = found.find(({ result }) => result === 'fails');
    expect([failed?.reason, failed?.message]).toEqual([raised?.code, raised?.message]);
  });
});

describe('the login', () => {
  const refused = fault('LoginRefused', { host: HOST, status: 401, method: 'universal' });
  const missing = fault('CredentialNotFound', { field: 'spec.auth', secret: 'login', key: 'clientId' });
  const rows: Record<string, { raised?: Fault; is: readonly string[] }> = {
    'that is taken': { is: ['credentials ok', 'login ok'] },
    'that is refused': { raised: refused, is: ['credentials ok', 'login fails'] },
    'without a credential': { raised: missing, is: ['credentials fails', 'login skipped'] },
    'that nobody answers': {
      raised: fault('NoAnswer', { host: HOST, request: 'log in' }),
      is: ['credentials ok', 'login fails'],
    },
  };

  test.each(Object.entries(rows))('%s', (_which, { raised, is }) => {
    expect(told(entryFindings(HOST, raised))).toEqual(is);
  });
});

describe('clocks', () => {
  const now = 1_800_000_000_000;
  const rows: Record<string, { clocks: Clocks; result: string; says: string }> = {
    'that go together': {
      clocks: { server: now, kubernetes: now + 900, machine: now },
      result: 'ok',
      says: 'Its clock is with that of the Kubernetes API and with that of this machine.',
    },
    'a little apart': {
      clocks: { server: now, kubernetes: now + 59_000, machine: now },
      result: 'ok',
      says: '59 s behind that of the Kubernetes API',
    },
    'of which the server’s is far ahead': {
      clocks: { server: now + 61_000, kubernetes: now, machine: now },
      result: 'warns',
      says: '61 s ahead of that of the Kubernetes API and 61 s ahead of that of this machine',
    },
    'of which the machine’s alone is wrong': {
      clocks: { server: now, kubernetes: undefined, machine: now + 3_600_000 },
      result: 'warns',
      says: 'Its clock is 3600 s behind that of this machine.',
    },
  };

  test.each(Object.entries(rows))('%s', (_which, { clocks, result, says }) => {
    const found = clockFinding(HOST, clocks);
    expect(found.result).toBe(result);
    expect(found.message).toContain(says);
  });
});

describe('what is printed', () => {
  const subject = { kind: 'InfisicalConnection', namespace: 'shop', name: 'infisical' } as const;
  const well: Finding = { check: 'login', about: HOST, result: 'ok', message: 'It works.' };
  const bad: Finding = {
    check: 'host',
    about: HOST,
    result: 'fails',
    reason: 'HostNotAllowed',
    message: 'It does not.',
  };

  test('is a table that ends with the whole', () => {
    expect(render('table', subject, inOrder([well, bad])).split('\n')).toEqual([
      'RESULT  CHECK  ABOUT                          WHAT',
      'fails   host   https://infisical.example.com  HostNotAllowed: It does not.',
      'ok      login  https://infisical.example.com  It works.',
      '',
      '1 thing would fail.',
      '',
    ]);
    expect(render('table', subject, [well])).toContain('\nAll is well.\n');
  });

  test('or JSON', () => {
    expect(JSON.parse(render('json', subject, [bad]))).toEqual({
      connection: subject,
      ok: false,
      findings: [bad],
    });
  });

  test('fails the command only where something would fail', () => {
    expect(exitCodeOf([well, { ...well, result: 'warns' }, { ...well, result: 'skipped' }])).toBe(0);
    expect(exitCodeOf([well, bad])).toBe(1);
  });
});
