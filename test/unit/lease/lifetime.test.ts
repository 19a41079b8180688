import { describe, expect, test } from 'vitest';

import { isOver } from '../../../src/lease/lifetime.ts';
import { retiringOf } from '../../../src/lease/retiring.ts';
import { currentLease } from '../../../src/lease/current.ts';
import { decide } from '../../../src/lease/decide.ts';
import {
  aLease,
  anInput,
  aRecord,
  aRef,
  aSpec,
  aStatus,
  instant,
  known,
  MINUTE,
  NOW,
  ourSecret,
  valid,
  type InputParts,
} from '../../support/builders.ts';

const ended = aRef({ id: 'ended', expireAt: instant(-MINUTE) });
const renewing = valid(aSpec({ rotation: { strategy: 'Renew' } }));
const asked = { lengthening: new Set(['ended']) };
const deleted = { deletedAt: NOW - MINUTE, status: aStatus({ lease: ended }) };

describe('a lease that is past its known end', () => {
  test.each<[string, InputParts, boolean]>([
    ['of a spec that does not renew', {}, true],
    ['whose renewal got no answer', { memory: { ...asked, known: known(ended) } }, false],
    ['of a spec that renews, and was not heard of by this process', { object: { spec: renewing } }, false],
    [
      'that this process has from the server',
      { object: { spec: renewing }, memory: { known: known(ended) } },
      true,
    ],
    [
      'that a list has shown',
      { object: { spec: renewing }, memory: { sighted: new Map([['ended', aLease(ended)]]) } },
      true,
    ],
    ['that is revoked', { memory: { ...asked, settled: new Set(['ended']) } }, true],
  ])('%s', (_sentence, parts, over) => {
    const input = anInput(parts);
    expect(isOver(input, ended)).toBe(over);
  });

  test('is revoked before its object is let go, where that end may be none, and once the server has said so is not', () => {
    const unheard = anInput({
      object: { ...deleted, spec: renewing },
      secret: { state: 'absent' },
      memory: { accounted: true },
    });
    expect(decide(unheard).revocations.map(({ id }) => id)).toEqual(['ended']);
    expect(decide({ ...unheard, memory: { ...unheard.memory, settled: new Set(['ended']) } })).toMatchObject({
      step: { do: 'dropFinalizer' },
      revocations: [],
    });
    const heard = { ...unheard.memory, known: known(ended) };
    expect(decide({ ...unheard, memory: heard })).toMatchObject({
      step: { do: 'dropFinalizer' },
      revocations: [],
    });
  });

  test('is to be revoked when it is replaced, though replaced leases may run out', () => {
    const second = aRef({ id: 'lease-2' });
    const parts = {
      object: { status: aStatus({ lease: ended }) },
      secret: ourSecret({ record: aRecord({ lease: second, previous: [ended] }) }),
    };
    const entries = (memory: InputParts['memory']) => {
      const input = anInput({ ...parts, memory: { known: known(second), ...memory } });
      return retiringOf(input, input.object, currentLease(input));
    };
    expect(entries(asked)).toMatchObject([{ id: 'ended', revokeAfter: ended.expireAt }]);
    expect(entries({})?.[0]).not.toHaveProperty('revokeAfter');
  });
});
