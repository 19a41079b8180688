import { describe, expect, test } from 'vitest';

import { decide } from '../../../src/lease/decide.ts';
import {
  aFormerSecret,
  anInput,
  aRef,
  aSpec,
  aStatus,
  instant,
  MINUTE,
  SECOND,
  type InputParts,
  valid,
} from '../../support/builders.ts';

const other = aRef({ id: 'lease-0', expireAt: instant(20 * MINUTE) });
const gone = { name: 'former', uid: 'former-uid', resourceVersion: '3' };

describe('a Secret by a former name', () => {
  const cases: Record<
    string,
    { readonly parts: InputParts; readonly step: object; readonly again?: number }
  > = {
    'stays while its lease is listed and lives': {
      parts: {
        object: { status: aStatus({ retiring: [other] }) },
        formers: [aFormerSecret({ lease: other })],
      },
      step: { do: 'wait' },
      again: 20 * MINUTE + SECOND,
    },
    'goes when that one was revoked': {
      parts: {
        object: { status: aStatus({ retiring: [other] }) },
        formers: [aFormerSecret({ lease: other })],
        memory: { settled: new Set(['lease-0']) },
      },
      step: { do: 'deleteSecret', ...gone },
    },
    'stays to the end of a lease that nothing but it tells of': {
      parts: { formers: [aFormerSecret({ lease: other })] },
      step: { do: 'wait' },
      again: 20 * MINUTE + SECOND,
    },
    'goes when that end is over': {
      parts: { formers: [aFormerSecret({ lease: { ...other, expireAt: instant(-MINUTE) } })] },
      step: { do: 'deleteSecret', ...gone },
    },
    'goes where its record cannot be read': {
      parts: { formers: [aFormerSecret({ lease: undefined })] },
      step: { do: 'deleteSecret', ...gone },
    },
    'is left behind, with deletionPolicy Retain': {
      parts: {
        object: { spec: valid(aSpec({ secret: { deletionPolicy: 'Retain' } })) },
        formers: [aFormerSecret({ lease: undefined })],
      },
      step: { do: 'releaseSecret', ...gone },
    },
  };

  test.each(Object.entries(cases))('%s', (_name, { parts, step, again }) => {
    const plan = decide(anInput(parts));
    expect(plan.step).toEqual(step);
    expect(again === undefined || plan.again === again).toBe(true);
  });
});
