import { describe, expect, test } from 'vitest';

import { type FaultCode, retryClass } from '../../../src/errors.ts';
import type { AnswerHeaders, Outcome } from '../../../src/infisical/exchange.ts';
import { causeOf, outOfTime } from '../../../src/infisical/failure.ts';
import { type Asked, misfit, retryAfter, verdictOn } from '../../../src/infisical/faults.ts';
import { knownMessage } from '../../../src/infisical/known-messages.ts';
import type { Verdict } from '../../../src/infisical/request-error.ts';
import { refusal, refusal2024, TARGET } from './answers.ts';

const HOST = 'https://infisical.example';

const create: Asked = { kind: 'create', host: HOST, target: TARGET, ttl: '48h' };
const createByDefault: Asked = { kind: 'create', host: HOST, target: TARGET };
const get: Asked = { kind: 'get', host: HOST, target: TARGET };
const list: Asked = { kind: 'list', host: HOST, target: TARGET };
const revoke: Asked = { kind: 'revoke', host: HOST, target: TARGET };
const login: Asked = { kind: 'login', host: HOST, method: 'universal' };
const time: Asked = { kind: 'status', host: HOST };
const verify: Asked = { kind: 'verify', host: HOST };

function answered(body: Readonly<Record<string, unknown>>, headers: AnswerHeaders = {}): Outcome {
  return { kind: 'answered', status: Number(body['statusCode']), body, headers };
}

interface Expected extends Partial<Omit<Verdict, 'fault'>> {
  readonly code: FaultCode;
  readonly fate: Verdict['fate'];
}

type Case = readonly [asked: Asked, outcome: Outcome, expected: Expected];

/** Code, fate and hints of a verdict, without the sentence. */
function judged(asked: Asked, outcome: Outcome): unknown {
  const { fault, status: _status, ...verdict } = verdictOn(asked, outcome);
  return { code: fault.code, ...verdict };
}

const refused = 'refused';
const unknown = 'unknown';
const lease = { notFound: 'lease' } as const;
const target = { notFound: 'target' } as const;
const dead = { deadToken: true } as const;

/** What a proxy says. */
function page(status: number): Outcome {
  return { kind: 'unreadable', status, problem: 'not marked as JSON', headers: {} };
}

function coded(code: string): Error {
  return Object.assign(new Error('secret words'), { code });
}

describe('a newer server', () => {
  const bad = (message: unknown): Outcome => answered(refusal(400, 'BadRequest', message));
  const missing = (message: unknown): Outcome => answered(refusal(404, 'NotFound', message));
  const leaseMissing = "Dynamic secret lease with ID 'aaaa' not found";
  const cases: Record<string, Case> = {
    'says that the project is missing': [
      create,
      missing("Project with slug 'shop' not found"),
      { code: 'TargetNotFound', fate: refused, ...target },
    ],
    'says that the folder is missing': [
      create,
      missing("Folder with path '/a' in environment with slug 'prod' not found"),
      { code: 'TargetNotFound', fate: refused, ...target },
    ],
    'says that the folder of a lease is missing': [
      get,
      missing("Folder with path '/a' not found"),
      { code: 'TargetNotFound', fate: refused, ...target },
    ],
    'says that the dynamic secret is missing': [
      list,
      missing("Dynamic secret with name 'orders' in folder with path '/a' not found"),
      { code: 'TargetNotFound', fate: refused, ...target },
    ],
    'says that the dynamic secret of a lease is in another folder': [
      get,
      missing("Dynamic secret with ID 'bbbb' not found"),
      { code: 'TargetNotFound', fate: refused, ...target },
    ],
    'says that the lease is missing when it is read': [
      get,
      missing(leaseMissing),
      { code: 'RequestRefused', fate: refused, ...lease },
    ],
    'says that the lease is missing when it is revoked': [
      revoke,
      missing(leaseMissing),
      { code: 'RequestRefused', fate: refused, ...lease },
    ],
    'says in other words that something is missing for a create': [
      create,
      missing('Nothing here'),
      { code: 'TargetNotFound', fate: refused, ...target },
    ],
    'says in other words that something is missing for a revocation: what, is not guessed': [
      revoke,
      missing('Nothing here'),
      { code: 'TargetNotFound', fate: refused },
    ],
    'has no such route': [
      create,
      answered(refusal(404, 'Not Found', 'Route POST:/api/v1/dynamic-secrets/leases not found')),
      { code: 'RequestRefused', fate: refused },
    ],
    'refuses a ttl above the maximum': [
      create,
      bad('TTL cannot be larger than max TTL'),
      { code: 'TTLTooLong', fate: refused },
    ],
    'refuses a default ttl above the maximum: spec.ttl is not to blame': [
      createByDefault,
      bad('TTL cannot be larger than max TTL'),
      { code: 'RequestRefused', fate: refused },
    ],
    'has reached its limit of leases': [
      create,
      bad('Max lease limit reached. Limit: 10'),
      { code: 'LeaseLimitReached', fate: refused },
    ],
    'has no licence': [
      create,
      bad('Failed to create lease due to plan restriction. Upgrade plan to create dynamic secret.'),
      { code: 'PlanRestricted', fate: refused },
    ],
    'refuses in words that are not known': [create, bad('No.'), { code: 'RequestRefused', fate: refused }],
    'refuses a body': [
      create,
      answered(refusal(422, 'ValidationFailure', [{ path: ['ttl'], message: 'x' }])),
      { code: 'RequestRefused', fate: refused },
    ],
    'refuses for want of a permission': [
      create,
      answered(refusal(403, 'PermissionDenied')),
      { code: 'PermissionDenied', fate: refused },
    ],
    'refuses for another reason of its rights': [
      create,
      answered(refusal(403, 'ForbiddenError')),
      { code: 'PermissionDenied', fate: refused },
    ],
    'finds the token expired, revoked or used up': [
      create,
      answered(refusal(401, 'UnauthorizedError')),
      { code: 'TokenRefused', fate: refused, ...dead },
    ],
    'finds the token unreadable': [
      create,
      answered(refusal(403, 'TokenError')),
      { code: 'TokenRefused', fate: refused, ...dead },
    ],
    'limits the rate': [
      create,
      answered(refusal(429, 'RateLimitExceeded'), { retryAfter: '7' }),
      { code: 'RateLimited', fate: refused },
    ],
    fails: [create, answered(refusal(500, 'InternalServerError')), { code: 'ServerFailed', fate: unknown }],
    'gives up on its gateway': [
      create,
      answered(refusal(504, 'GatewayTimeoutError')),
      { code: 'ServerFailed', fate: unknown },
    ],
    'gives up on the request': [
      create,
      answered(refusal(408, 'Request Timeout')),
      { code: 'ServerFailed', fate: unknown },
    ],
    'refuses a login': [
      login,
      answered(refusal(401, 'UnauthorizedError', 'Invalid credentials')),
      { code: 'LoginRefused', fate: refused },
    ],
    'limits the rate of logins': [
      login,
      answered(refusal(429, 'RateLimitExceeded')),
      { code: 'RateLimited', fate: refused },
    ],
    'refuses the token that is shown to it': [
      verify,
      answered(refusal(403, 'TokenError')),
      { code: 'TokenRefused', fate: refused, ...dead },
    ],
    'fails to look at a token': [
      verify,
      answered(refusal(503, 'ServiceUnavailable')),
      { code: 'ServerFailed', fate: unknown },
    ],
    'fails to tell the time': [
      time,
      answered(refusal(404, 'NotFound')),
      { code: 'UnexpectedAnswer', fate: unknown },
    ],
  };

  test.each(Object.entries(cases))('%s', (_sentence, [asked, outcome, expected]) => {
    expect(judged(asked, outcome)).toEqual(expected);
  });
});

describe('a server of 2024', () => {
  const bad = (message: unknown): Outcome => answered(refusal2024(400, 'BadRequest', message));
  const jwtFailures = [
    'jwt expired',
    'jwt malformed',
    'invalid signature',
    'invalid token',
    'jwt not active',
  ];
  const cases: Record<string, Case> = {
    'says that the project is missing, as a failure of its database': [
      create,
      answered(refusal2024(500, 'Find project by slug', 'Something went wrong')),
      { code: 'TargetNotFound', fate: refused, ...target },
    ],
    'does not take the path, as a failure of its database': [
      create,
      answered(refusal2024(500, 'Find by secret path', 'Something went wrong')),
      { code: 'TargetNotFound', fate: refused, ...target },
    ],
    'says that the project is missing': [
      create,
      bad('Project not found'),
      { code: 'TargetNotFound', fate: refused, ...target },
    ],
    'says that the folder is missing': [
      revoke,
      bad('Folder not found'),
      { code: 'TargetNotFound', fate: refused, ...target },
    ],
    'says that the dynamic secret is missing': [
      list,
      bad('Dynamic secret not found'),
      { code: 'TargetNotFound', fate: refused, ...target },
    ],
    'says that the lease is missing when it is read': [
      get,
      bad('Dynamic secret lease not found'),
      { code: 'RequestRefused', fate: refused, ...lease },
    ],
    'says that the lease is missing when it is revoked': [
      revoke,
      bad('Dynamic secret lease not found'),
      { code: 'RequestRefused', fate: refused, ...lease },
    ],
    'refuses a ttl above the maximum': [
      create,
      bad('TTL cannot be larger than max ttl'),
      { code: 'TTLTooLong', fate: refused },
    ],
    'refuses a body with 403': [
      create,
      answered(refusal2024(403, 'ValidationFailure', [{ path: ['ttl'] }])),
      { code: 'RequestRefused', fate: refused },
    ],
    'refuses for want of a permission with 401': [
      create,
      answered(refusal2024(401, 'PermissionDenied', 'You are not allowed to read on secrets')),
      { code: 'PermissionDenied', fate: refused },
    ],
    'does not have the identity in the project': [
      create,
      answered(refusal2024(403, 'Identity not in project')),
      { code: 'PermissionDenied', fate: refused },
    ],
    'finds the token past its life': [
      create,
      answered(
        refusal2024(403, 'UnauthorizedError', 'Failed to renew MI access token due to TTL expiration'),
      ),
      { code: 'TokenRefused', fate: refused, ...dead },
    ],
    'finds no token': [
      get,
      answered(refusal2024(403, 'Unauthorized access', 'Token missing')),
      { code: 'TokenRefused', fate: refused, ...dead },
    ],
    'passes on what a database said': [
      create,
      answered(refusal2024(500, 'Internal Server Error', 'tuple concurrently updated')),
      { code: 'ServerFailed', fate: unknown },
    ],
    'passes on a message that only contains the words of a dead token': [
      create,
      answered(refusal2024(500, 'Internal Server Error', 'provider said: jwt expired')),
      { code: 'ServerFailed', fate: unknown },
    ],
    'fails to answer a revocation': [
      revoke,
      answered(refusal2024(500, 'Internal Server Error', 'jwt')),
      { code: 'ServerFailed', fate: unknown },
    ],
    'refuses a login with 403': [
      login,
      answered(refusal2024(403, 'UnauthorizedError', 'Invalid credentials')),
      { code: 'LoginRefused', fate: refused },
    ],
    'denies a login with 500': [
      login,
      answered(refusal2024(500, 'Internal Server Error', 'denied')),
      { code: 'ServerFailed', fate: unknown },
    ],
    'limits the rate': [
      create,
      answered(refusal2024(429, 'Too Many Requests')),
      { code: 'RateLimited', fate: refused },
    ],
    ...Object.fromEntries(
      jwtFailures.map((message): [string, Case] => [
        `finds the token dead: ${message}`,
        [
          create,
          answered(refusal2024(500, 'Internal Server Error', message)),
          { code: 'TokenRefused', fate: refused, ...dead },
        ],
      ]),
    ),
  };

  test.each(Object.entries(cases))('%s', (_sentence, [asked, outcome, expected]) => {
    expect(judged(asked, outcome)).toEqual(expected);
  });
});

describe('something in between', () => {
  const cases: Record<string, Case> = {
    'answers with a page and 200': [create, page(200), { code: 'UnexpectedAnswer', fate: unknown }],
    'answers with a page and 404': [create, page(404), { code: 'UnexpectedAnswer', fate: unknown }],
    'answers with a page and 401: no token is thrown away for that': [
      create,
      page(401),
      { code: 'UnexpectedAnswer', fate: unknown },
    ],
    'finds no server behind it': [create, page(502), { code: 'ServerFailed', fate: unknown }],
    'limits the rate': [create, page(429), { code: 'RateLimited', fate: refused }],
    redirects: [
      create,
      { kind: 'answered', status: 302, body: {}, headers: {} },
      { code: 'UnexpectedAnswer', fate: unknown },
    ],
    'answers with JSON of another kind': [
      create,
      { kind: 'answered', status: 400, body: 'no', headers: {} },
      { code: 'RequestRefused', fate: refused },
    ],
    'refuses the connection': [
      create,
      { kind: 'failed', sent: false, cause: { kind: 'unreachable', words: 'connection refused' } },
      { code: 'ServerUnreachable', fate: refused },
    ],
    'shows a certificate that nobody trusts': [
      create,
      { kind: 'failed', sent: false, cause: { kind: 'untrusted', words: 'certificate expired' } },
      { code: 'CertificateUntrusted', fate: refused },
    ],
    'swallows the answer': [
      create,
      { kind: 'failed', sent: true, cause: outOfTime },
      { code: 'NoAnswer', fate: unknown },
    ],
  };

  test.each(Object.entries(cases))('%s', (_sentence, [asked, outcome, expected]) => {
    expect(judged(asked, outcome)).toEqual(expected);
  });

  test('a success of another form leaves the fate open', () => {
    expect(misfit(create, 200)).toMatchObject({
      fault: { code: 'UnexpectedAnswer' },
      fate: unknown,
      status: 200,
    });
  });
});

test('a known message changes neither fate nor retry class, so an unknown wording cannot change the flow', () => {
  const known = [
    "Dynamic secret lease with ID 'x' not found",
    'Dynamic secret lease not found',
    'Project not found',
    'Folder not found',
    'Dynamic secret not found',
    'TTL cannot be larger than max TTL',
    'Max lease limit reached. Limit: 3',
    'Failed to create lease due to plan restriction.',
  ];
  for (const message of known) {
    expect(knownMessage(400, message)).toBeDefined();
    for (const [code, error] of [
      [400, 'BadRequest'],
      [404, 'NotFound'],
    ] as const) {
      const told = verdictOn(create, answered(refusal(code, error, message)));
      const plain = verdictOn(create, answered(refusal(code, error, 'other words')));
      expect([told.fate, retryClass(told.fault.code)]).toEqual([plain.fate, retryClass(plain.fault.code)]);
    }
  }
});

describe('the wait that a server asks for', () => {
  const date = 'Thu, 01 Jan 2026 12:00:00 GMT';
  const cases: Record<string, { headers: AnswerHeaders; wait: number | undefined }> = {
    'is none without a header': { headers: {}, wait: undefined },
    'is counted in seconds': { headers: { retryAfter: '7' }, wait: 7000 },
    'is an instant, counted from the answer': {
      headers: { retryAfter: 'Thu, 01 Jan 2026 12:00:30 GMT', date },
      wait: 30_000,
    },
    'is nothing for an instant that has passed': {
      headers: { retryAfter: 'Thu, 01 Jan 2026 11:00:00 GMT', date },
      wait: 0,
    },
    'is none for an instant without a date to count from': {
      headers: { retryAfter: 'Thu, 01 Jan 2026 12:00:30 GMT' },
      wait: undefined,
    },
    'is none for other words': { headers: { retryAfter: 'soon', date }, wait: undefined },
    'is an hour at most': { headers: { retryAfter: '999999999' }, wait: 3_600_000 },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { headers, wait }) => {
    expect(retryAfter(headers)).toBe(wait);
  });

  test('reaches the fault', () => {
    const { fault } = verdictOn(create, answered(refusal(429, 'x'), { retryAfter: '7' }));
    expect(fault.retryAfter).toBe(7000);
  });
});

describe('the cause of a connection that failed', () => {
  const cases: Record<string, { error: unknown; kind: string; words: string }> = {
    'an unknown host': { error: coded('ENOTFOUND'), kind: 'unreachable', words: 'host name not found' },
    'a connect timeout': {
      error: coded('UND_ERR_CONNECT_TIMEOUT'),
      kind: 'unreachable',
      words: 'connection timed out',
    },
    'the first of several addresses tried': {
      error: new AggregateError([coded('EHOSTUNREACH'), coded('ECONNREFUSED')]),
      kind: 'unreachable',
      words: 'no route to the host',
    },
    'a certificate of another host': {
      error: coded('ERR_TLS_CERT_ALTNAME_INVALID'),
      kind: 'untrusted',
      words: 'certificate for another host name',
    },
    'an expired certificate': {
      error: coded('CERT_HAS_EXPIRED'),
      kind: 'untrusted',
      words: 'certificate expired',
    },
    'a handshake that is none': {
      error: coded('ERR_SSL_WRONG_VERSION_NUMBER'),
      kind: 'unreachable',
      words: 'no TLS on this port',
    },
    'a code that nobody knows': { error: coded('SECRET'), kind: 'unreachable', words: 'network error' },
    'an error without a code': {
      error: new Error('secret words'),
      kind: 'unreachable',
      words: 'network error',
    },
    'no error at all': { error: 'secret words', kind: 'unreachable', words: 'network error' },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { error, kind, words }) => {
    expect(causeOf(error)).toMatchObject({ kind, words });
  });
});
