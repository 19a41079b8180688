import { inspect } from 'node:util';

import { describe, expect, test } from 'vitest';

import {
  isAlreadyExists,
  isConflict,
  isDefinite,
  isDoubtful,
  isExpired,
  isNotFound,
  KubeError,
  refusal,
} from '../../../src/kube/kube-error.ts';

const predicates = { isConflict, isNotFound, isAlreadyExists, isExpired, isDefinite, isDoubtful };
type Predicate = keyof typeof predicates;

describe('what an error means', () => {
  const cases: Record<string, { status: number | undefined; reason: string; is: Predicate[] }> = {
    'a write with an old resourceVersion': {
      status: 409,
      reason: 'Conflict',
      is: ['isConflict', 'isDefinite'],
    },
    'a create of what exists': {
      status: 409,
      reason: 'AlreadyExists',
      is: ['isAlreadyExists', 'isDefinite'],
    },
    'no such object': { status: 404, reason: 'NotFound', is: ['isNotFound', 'isDefinite'] },
    'a 404 of somebody else': { status: 404, reason: 'UnexpectedAnswer', is: ['isDefinite'] },
    'a resourceVersion that is gone': { status: 410, reason: 'Expired', is: ['isExpired', 'isDefinite'] },
    forbidden: { status: 403, reason: 'Forbidden', is: ['isDefinite'] },
    'an invalid object': { status: 422, reason: 'Invalid', is: ['isDefinite'] },
    'a request that took the server too long to read': { status: 408, reason: 'Timeout', is: ['isDoubtful'] },
    'too many requests: surely not done, though not refused for good': {
      status: 429,
      reason: 'TooManyRequests',
      is: [],
    },
    'a failure of the server': { status: 500, reason: 'InternalError', is: ['isDoubtful'] },
    'a server timeout': { status: 504, reason: 'Timeout', is: ['isDoubtful'] },
    'an answer that makes no sense': { status: 200, reason: 'UnexpectedAnswer', is: ['isDoubtful'] },
    'no answer in time': { status: undefined, reason: 'Timeout', is: ['isDoubtful'] },
    'a connection that broke off': { status: undefined, reason: 'NoAnswer', is: ['isDoubtful'] },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { status, reason, is }) => {
    const error = new KubeError('patch secrets', { status, reason });
    const holds = Object.entries(predicates).flatMap(([name, predicate]) => (predicate(error) ? [name] : []));
    expect(holds.sort()).toEqual(is.sort());
  });

  test('an error of another kind means none of these', () => {
    const error = new Error('Conflict');
    expect(Object.values(predicates).some((predicate) => predicate(error))).toBe(false);
  });
});

describe('refusal', () => {
  const body = {
    kind: 'Status',
    status: 'Failure',
    message: 'Secret "x" is invalid: data.password: Invalid value: "hunter2"',
    reason: 'Invalid',
    details: {
      name: 'x',
      causes: [
        { reason: 'FieldValueInvalid', message: 'Invalid value: "hunter2"', field: 'data[password]' },
        { field: 'metadata.labels' },
        { field: 'data[password]' },
        { field: 'Invalid value: "hunter2"' },
        { message: 'without a field' },
      ],
    },
    code: 422,
  };

  test('keeps the status, the reason and the names of fields, and nothing else of the body', () => {
    const error = refusal('create secrets', 422, body);
    expect(error).toMatchObject({
      status: 422,
      reason: 'Invalid',
      fields: ['data[password]', 'metadata.labels'],
    });
    expect(error.message).toBe('The request to create secrets was answered with 422 (Invalid).');
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('hunter2');
  });

  test('takes the code of the body where there is no status of HTTP', () => {
    expect(
      refusal('watch secrets', undefined, { kind: 'Status', code: 410, reason: 'Expired' }),
    ).toMatchObject({
      status: 410,
      reason: 'Expired',
    });
  });

  test.each([
    ['the header, if there is one', 3000, { retryAfterSeconds: 7 }, 3000],
    ['else the body', undefined, { retryAfterSeconds: 7 }, 7000],
    ['else nothing', undefined, {}, undefined],
  ])('takes the wait from %s', (_sentence, header, details, expected) => {
    expect(refusal('get secrets', 429, { kind: 'Status', details }, header).retryAfter).toBe(expected);
  });

  test.each([
    ['HTML', undefined],
    ['another kind', { kind: 'Secret', data: {} }],
    ['a status of the wrong shape', { kind: 'Status', code: 'many' }],
  ])('says that something else answered: %s', (_sentence, answer) => {
    expect(refusal('get secrets', 502, answer)).toMatchObject({ status: 502, reason: 'UnexpectedAnswer' });
  });

  test('does not pass a reason on that is no word', () => {
    expect(refusal('get secrets', 400, { kind: 'Status', reason: 'hunter2 is wrong' }).reason).toBe(
      'Unknown',
    );
  });
});
