import { describe, expect, test } from 'vitest';

import { type Fault, type FaultCode, retryClass } from '../../../src/errors.ts';
import type { AskedOfDynamicSecret } from '../../../src/infisical/dynamic-secret-faults.ts';
import type { Outcome } from '../../../src/infisical/exchange.ts';
import { verdictOn } from '../../../src/infisical/faults.ts';
import { knownDynamicSecretMessage } from '../../../src/infisical/known-messages.ts';
import type { Verdict } from '../../../src/infisical/request-error.ts';
import { refusal, refusal2024, TARGET } from './answers.ts';

const host = 'https://infisical.example';
const { dynamicSecret: _name, ...folder } = TARGET;
const inputs = ['host', 'port', 'password', 'masterCredential'];

const asked = {
  create: { kind: 'createDynamicSecret', host, target: TARGET, inputs },
  update: { kind: 'updateDynamicSecret', host, target: TARGET, inputs },
  rename: { kind: 'updateDynamicSecret', host, target: TARGET, inputs: [], newName: 'orders' },
  remove: { kind: 'deleteDynamicSecret', host, target: TARGET },
  list: { kind: 'listDynamicSecrets', host, folder },
} as const satisfies Record<string, AskedOfDynamicSecret>;

function answered(body: Readonly<Record<string, unknown>>): Outcome {
  return { kind: 'answered', status: Number(body['statusCode']), body, headers: {} };
}

type Case = readonly [
  request: keyof typeof asked,
  body: Readonly<Record<string, unknown>>,
  expected: Partial<Omit<Verdict, 'fault'>> & { readonly code: FaultCode; readonly says?: string },
];

/** The verdict, with as much of its sentence as is expected of it. */
function judged([request, body, { says }]: Case): unknown {
  const { fault, status: _status, ...verdict } = verdictOn(asked[request], answered(body));
  const found = says !== undefined && fault.message.includes(says) ? says : fault.message;
  return { code: fault.code, ...verdict, ...(says === undefined ? {} : { says: found }) };
}

const refused = 'refused';
const missing = { fate: refused, notFound: 'target' } as const;

function bad(message: string): Record<string, unknown> {
  return refusal(400, 'BadRequest', message);
}

function bad2024(message: string): Record<string, unknown> {
  return refusal2024(400, 'BadRequest', message);
}

function noSuch(message: string): Record<string, unknown> {
  return refusal(404, 'NotFound', message);
}

describe('a newer server', () => {
  const cases: Record<string, Case> = {
    'does not reach the provider': [
      'create',
      bad('Provider connection failed'),
      { code: 'ProviderUnreachable', fate: refused, says: 'spec.inputsFrom' },
    ],
    'does not reach the provider, and says why': [
      'update',
      bad('Failed to connect with provider: password authentication failed for user "admin"'),
      { code: 'ProviderUnreachable', fate: refused, says: 'spec.provider.inputs' },
    ],
    'does not connect to that host': [
      'create',
      bad('Invalid db host'),
      { code: 'ProviderHostRefused', fate: refused, says: 'spec.provider.inputs.host' },
    ],
    'does not connect to a local address': [
      'update',
      bad('Local IPs not allowed as URL'),
      { code: 'ProviderHostRefused', fate: refused },
    ],
    'has one of that name': [
      'create',
      bad('Provided dynamic secret already exists under the folder'),
      { code: 'DynamicSecretExists', fate: refused, says: 'spec.adoption' },
    ],
    'has another of the new name': [
      'rename',
      bad('Provided dynamic secret already exists under the folder'),
      { code: 'DynamicSecretExists', fate: refused, says: 'Another dynamic secret orders in' },
    ],
    'has no licence to make one': [
      'create',
      bad('Failed to create dynamic secret due to plan restriction. Upgrade plan to create dynamic secret.'),
      { code: 'PlanRestricted', fate: refused },
    ],
    'has no licence to change one': [
      'update',
      bad('Failed to update dynamic secret due to plan restriction. Upgrade plan to create dynamic secret.'),
      { code: 'PlanRestricted', fate: refused },
    ],
    'refuses in words that are not known': [
      'create',
      bad('No.'),
      {
        code: 'DynamicSecretRefused',
        fate: refused,
        says: 'status 400 to create dynamic secret orders-postgres',
      },
    ],
    'refuses a removal in words that belong to a create': [
      'remove',
      bad('Provider connection failed'),
      { code: 'DynamicSecretRefused', fate: refused },
    ],
    'knows no such project': [
      'create',
      noSuch("Project with slug 'shop' not found"),
      { code: 'FolderNotFound', ...missing, says: 'spec.projectSlug' },
    ],
    'knows no such folder to make one in': [
      'create',
      noSuch("Folder with path '/a' in environment 'prod' not found"),
      { code: 'FolderNotFound', ...missing, says: 'spec.path' },
    ],
    'knows no such folder to remove one from': [
      'remove',
      noSuch("Folder with path '/a' in environment 'prod' not found"),
      { code: 'FolderNotFound', ...missing },
    ],
    'knows no such folder to list': ['list', noSuch('Nothing here'), { code: 'FolderNotFound', ...missing }],
    'knows no such dynamic secret to change': [
      'update',
      noSuch("Dynamic secret with name 'orders' in folder '/a' not found"),
      { code: 'TargetNotFound', ...missing, says: 'spec.environmentSlug' },
    ],
    'knows no such dynamic secret to remove, in other words': [
      'remove',
      noSuch('Nothing here'),
      { code: 'TargetNotFound', ...missing },
    ],
    'has no such route': [
      'create',
      refusal(404, 'Not Found', 'Route POST:/api/v1/dynamic-secrets not found'),
      { code: 'DynamicSecretRefused', fate: refused },
    ],
    'does not let it be made': [
      'create',
      refusal(403, 'PermissionDenied'),
      { code: 'ManagePermissionDenied', fate: refused, says: '"create-root-credential"' },
    ],
    'does not let it be changed': [
      'update',
      refusal(403, 'PermissionDenied'),
      { code: 'ManagePermissionDenied', fate: refused, says: '"edit-root-credential"' },
    ],
    'does not let it be removed': [
      'remove',
      refusal(403, 'PermissionDenied'),
      { code: 'ManagePermissionDenied', fate: refused, says: '"delete-root-credential"' },
    ],
    'does not let strangers look': [
      'list',
      refusal(403, 'ForbiddenError'),
      { code: 'ManagePermissionDenied', fate: refused, says: '"read-root-credential"' },
    ],
    'finds the token expired': [
      'create',
      refusal(401, 'UnauthorizedError'),
      { code: 'TokenRefused', fate: refused, deadToken: true },
    ],
    'limits the rate': ['update', refusal(429, 'RateLimitExceeded'), { code: 'RateLimited', fate: refused }],
    'fails, as with a statement that the driver does not take': [
      'create',
      refusal(500, 'InternalServerError', 'Something went wrong'),
      { code: 'ServerFailed', fate: 'unknown', says: 'create the dynamic secret' },
    ],
    'gives up on its gateway': [
      'update',
      refusal(504, 'GatewayTimeoutError'),
      { code: 'ServerFailed', fate: 'unknown' },
    ],
  };

  test.each(Object.entries(cases))('%s', (_sentence, row) => {
    expect(judged(row)).toEqual(row[2]);
  });
});

describe('a server of 2024', () => {
  const cases: Record<string, Case> = {
    'does not reach the provider': [
      'create',
      bad2024('Provider connection failed'),
      { code: 'ProviderUnreachable', fate: refused },
    ],
    'does not connect to that host': [
      'create',
      bad2024('Invalid db host'),
      { code: 'ProviderHostRefused', fate: refused },
    ],
    'has one of that name': [
      'create',
      bad2024('Provided dynamic secret already exist under the folder'),
      { code: 'DynamicSecretExists', fate: refused },
    ],
    'knows no such project, as a failure of its database': [
      'create',
      refusal2024(500, 'Find project by slug', 'Something went wrong'),
      { code: 'FolderNotFound', ...missing },
    ],
    'does not take the path, as a failure of its database': [
      'remove',
      refusal2024(500, 'Find by secret path', 'Something went wrong'),
      { code: 'TargetNotFound', ...missing },
    ],
    'knows no such folder': ['create', bad2024('Folder not found'), { code: 'FolderNotFound', ...missing }],
    'knows no such dynamic secret': [
      'remove',
      bad2024('Dynamic secret not found'),
      { code: 'TargetNotFound', ...missing },
    ],
    'does not let it be removed': [
      'remove',
      refusal2024(401, 'PermissionDenied', 'You are not allowed to edit on secrets'),
      { code: 'ManagePermissionDenied', fate: refused, says: '"edit" on secrets' },
    ],
    'does not have the identity in the project': [
      'list',
      refusal2024(403, 'Identity not in project'),
      { code: 'ManagePermissionDenied', fate: refused },
    ],
    'passes on what the driver says': [
      'create',
      refusal2024(500, 'Internal Server Error', 'connect ECONNREFUSED'),
      { code: 'ServerFailed', fate: 'unknown' },
    ],
  };

  test.each(Object.entries(cases))('%s', (_sentence, row) => {
    expect(judged(row)).toEqual(row[2]);
  });
});

describe('a validation that fails', () => {
  const invalid = (request: keyof typeof asked, ...issues: readonly unknown[]): Fault => {
    const newer = verdictOn(asked[request], answered(refusal(422, 'ValidationFailure', issues)));
    const older = verdictOn(asked[request], answered(refusal2024(403, 'ValidationFailure', issues)));
    expect(newer).toMatchObject({ fate: 'refused', fault: { code: 'DynamicSecretInvalid' } });
    expect(older.fault).toEqual(newer.fault);
    return newer.fault;
  };

  const named: Record<string, [keyof typeof asked, unknown, string]> = {
    'an input': ['create', { path: ['provider', 'inputs', 'port'] }, 'take spec.provider.inputs.port for'],
    'a part of an input': [
      'create',
      { path: ['provider', 'inputs', 'passwordRequirements', 'length'] },
      'take spec.provider.inputs.passwordRequirements for',
    ],
    'an input that is missing': [
      'create',
      { path: ['provider', 'inputs', 'revocationStatement'], message: 'Required' },
      'take spec.provider.inputs.revocationStatement for',
    ],
    'an input of a type that leaseholder knows nothing of': [
      'create',
      { path: ['provider', 'inputs', 'masterCredential'] },
      'take spec.provider.inputs.masterCredential for',
    ],
    'an input of an update, whose inputs are looked at by themselves': [
      'update',
      { path: ['port'] },
      'take spec.provider.inputs.port for',
    ],
    'an input of an update, by its place in the body': [
      'update',
      { path: ['data', 'inputs', 'port'] },
      'take spec.provider.inputs.port for',
    ],
    'a key that is not known, by what it is in': [
      'create',
      { path: ['provider', 'inputs'], keys: ['s3cret'] },
      'take spec.provider.inputs for',
    ],
    'the type': ['create', { path: ['provider', 'type'] }, 'take spec.provider.type for'],
    'a name': ['create', { path: ['name'] }, 'take spec.name for'],
    'a new name': ['rename', { path: ['data', 'newName'] }, 'take spec.name for'],
    'a TTL of an update': ['update', { path: ['data', 'defaultTTL'] }, 'take spec.defaultTTL for'],
    'an entry of the metadata': ['create', { path: ['metadata', 0, 'key'] }, 'take spec.metadata for'],
    'a template': ['create', { path: ['usernameTemplate'] }, 'take spec.usernameTemplate for'],
    'a folder': [
      'list',
      { path: ['projectSlug'] },
      'take spec.projectSlug for dynamic secrets in project shop',
    ],
  };

  test.each(Object.entries(named))('names %s', (_sentence, [request, issue, says]) => {
    expect(invalid(request, issue).message).toContain(says);
  });

  test('names every field once, in the same order whatever the order of the issues', () => {
    const issues = [{ path: ['provider', 'inputs', 'port'] }, { path: ['name'] }, { path: ['name'] }];
    const { message } = invalid('create', ...issues);
    expect(message).toContain('take spec.name, spec.provider.inputs.port for');
    expect(invalid('create', ...issues.toReversed()).message).toBe(message);
  });

  const unnamed: Record<string, unknown> = {
    'a path that was not sent': { path: ['provider', 's3cret'] },
    'an input that nobody knows': { path: ['s3cret'] },
    'a key that every object has': { path: ['constructor'] },
    'a path that is none': { path: 's3cret' },
    'a path of other things': { path: [{ a: 's3cret' }] },
    'no path': { message: 's3cret' },
    'no issue': 's3cret',
  };

  test.each(Object.entries(unnamed))('does not name %s', (_sentence, issue) => {
    const { message } = invalid('update', issue);
    expect(message).toContain('take what spec says for');
    expect(message).not.toContain('s3cret');
  });
});

test('a known message changes neither fate nor retry class, so an unknown wording cannot change the flow', () => {
  const known = [
    'Provided dynamic secret already exists under the folder',
    'Provided dynamic secret already exist under the folder',
    'Provider connection failed',
    'Failed to connect with provider: why',
    'Invalid db host',
    'Local IPs not allowed as URL',
    'Failed to create dynamic secret due to plan restriction.',
    'Failed to update dynamic secret due to plan restriction.',
    "Project with slug 'x' not found",
    'Folder not found',
    'Dynamic secret not found',
  ];
  for (const message of known) {
    expect(knownDynamicSecretMessage(400, message)).toBeDefined();
    for (const request of Object.values(asked)) {
      for (const [status, error] of [
        [400, 'BadRequest'],
        [404, 'NotFound'],
      ] as const) {
        const told = verdictOn(request, answered(refusal(status, error, message)));
        const plain = verdictOn(request, answered(refusal(status, error, 'other words')));
        expect([told.fate, retryClass(told.fault.code)]).toEqual([plain.fate, retryClass(plain.fault.code)]);
      }
    }
  }
});
