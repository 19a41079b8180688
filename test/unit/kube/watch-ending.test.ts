import { describe, expect, test } from 'vitest';

import { KubeError } from '../../../src/kube/kube-error.ts';
import { isStreamUseless, judgeEnding, type Course, type Ending } from '../../../src/kube/watch-ending.ts';

const failure = (status: number | undefined, reason: string, retryAfter?: number): KubeError => {
  return new KubeError('watch secrets', { status, reason, retryAfter });
};

describe('after the end of a watch', () => {
  const cases: Record<string, { failure: unknown; course?: Partial<Course>; ending: Ending }> = {
    'in due form: on at once': {
      failure: undefined,
      ending: { cause: 'ended', relist: false, wait: undefined },
    },
    'in due form, within a moment and after an event: on at once': {
      failure: undefined,
      course: { lasted: 5 },
      ending: { cause: 'ended', relist: false, wait: undefined },
    },
    'in due form, within a moment and without an event: on after a wait': {
      failure: undefined,
      course: { lasted: 5, fruitful: false },
      ending: { cause: 'ended', relist: false, wait: 0 },
    },
    'in due form and without a word, for the third time: a list': {
      failure: undefined,
      course: { fruitful: false, futile: 2 },
      ending: { cause: 'ended', relist: true, wait: undefined },
    },
    'silent after it had spoken: on at once, from the same place': {
      failure: failure(undefined, 'Silent'),
      ending: { cause: 'silent', relist: false, wait: undefined },
    },
    'silent from the start: its place may lie in the future; a list': {
      failure: failure(undefined, 'Silent'),
      course: { fruitful: false },
      ending: { cause: 'silent', relist: true, wait: undefined },
    },
    'expired: a list at once': {
      failure: failure(410, 'Expired'),
      ending: { cause: 'expired', relist: true, wait: undefined },
    },
    'expired though just begun: a list after a wait': {
      failure: failure(410, 'Expired'),
      course: { fruitful: false },
      ending: { cause: 'expired', relist: true, wait: 0 },
    },
    'broken off: on after a wait': {
      failure: failure(undefined, 'NoAnswer'),
      course: { fruitful: false, futile: 9 },
      ending: { cause: 'error', relist: false, wait: 0 },
    },
    'refused for want of capacity: on when the server asks': {
      failure: failure(429, 'TooManyRequests', 7000),
      course: { fruitful: false, futile: 9 },
      ending: { cause: 'error', relist: false, wait: 7000 },
    },
    'forbidden: on after a wait': {
      failure: failure(403, 'Forbidden'),
      course: { fruitful: false, futile: 9 },
      ending: { cause: 'error', relist: false, wait: 0 },
    },
    'refused for another reason: on after a wait': {
      failure: failure(500, 'InternalError'),
      course: { fruitful: false, futile: 1 },
      ending: { cause: 'error', relist: false, wait: 0 },
    },
    'refused for another reason, for the third time: a list': {
      failure: failure(500, 'InternalError'),
      course: { fruitful: false, futile: 2 },
      ending: { cause: 'error', relist: true, wait: 0 },
    },
    'a fault of our own: on after a wait': {
      failure: new TypeError('x'),
      ending: { cause: 'error', relist: false, wait: 0 },
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { failure: thrown, course, ending }) => {
    expect(judgeEnding(thrown, { lasted: 60_000, fruitful: true, futile: 0, ...course })).toEqual(ending);
  });
});

test.each([
  [400, 'BadRequest', true],
  [422, 'Invalid', true],
  [undefined, 'Silent', true],
  [401, 'Unauthorized', false],
  [403, 'Forbidden', false],
  [404, 'NotFound', false],
  [410, 'Expired', false],
  [429, 'TooManyRequests', false],
  [500, 'InternalError', false],
  [undefined, 'NoAnswer', false],
])('a list as a stream that ends with %s %s is of no use: %s', (status, reason, useless) => {
  expect(isStreamUseless(failure(status, reason))).toBe(useless);
});
