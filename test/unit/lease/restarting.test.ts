import { describe, expect, test } from 'vitest';

import type { LeaseSpec } from '../../../src/api/dynamic-secret-lease.ts';
import type { RestartStatus } from '../../../src/api/restart.ts';
import { currentLease } from '../../../src/lease/current.ts';
import { restartOf } from '../../../src/lease/restarting.ts';
import {
  anInput,
  aRecord,
  aRef,
  aSpec,
  aStatus,
  instant,
  known,
  ourSecret,
  valid,
  type InputParts,
} from '../../support/builders.ts';

const second = aRef({ id: 'lease-2' });
const targets: LeaseSpec['restart'] = [{ kind: 'Deployment', name: 'orders' }];
const spec = valid(aSpec({ restart: targets }));
const begun: RestartStatus = { lease: 'lease-2', since: instant(0), complete: false };

/** The Secret holds lease-2. */
const replaced: InputParts = {
  secret: ourSecret({ record: aRecord({ lease: second, previous: [aRef()] }) }),
  memory: { known: known(second) },
};

function told(parts: InputParts): RestartStatus | undefined {
  const input = anInput(parts);
  return restartOf(input, input.object, currentLease(input));
}

describe('what the status says of restarts', () => {
  const cases: Record<string, { readonly parts: InputParts; readonly told: RestartStatus | undefined }> = {
    'the first lease restarts nothing': {
      parts: { ...replaced, object: { spec, status: {} } },
      told: undefined,
    },
    'one that takes the place of another begins a restart': {
      parts: { ...replaced, object: { spec } },
      told: begun,
    },
    'nothing is begun where no workload is named': { parts: { ...replaced }, told: undefined },
    'a restart goes on while its lease is in use': {
      parts: {
        ...replaced,
        object: {
          spec,
          status: aStatus({
            lease: { ...aStatus().lease, ...second },
            restart: { ...begun, complete: true },
          }),
        },
      },
      told: { ...begun, complete: true },
    },
    'workloads that are named later wait for the next lease': {
      parts: {
        ...replaced,
        object: { spec, status: aStatus({ lease: { ...aStatus().lease, ...second } }) },
      },
      told: undefined,
    },
    'one that was not complete when the next lease came is one with its own': {
      parts: {
        ...replaced,
        object: {
          spec,
          status: aStatus({ restart: { ...begun, lease: 'lease-1', since: instant(-60_000) } }),
        },
      },
      told: begun,
    },
    'one that only the record speaks for begins a restart, too: its process may have died before the status':
      {
        parts: {
          ...replaced,
          memory: { attestations: new Map([['lease-2', { verdict: 'unattested' }]]) },
          object: { spec },
        },
        told: begun,
      },
    'it stays where the Secret names no lease that can be believed': {
      parts: { secret: { state: 'absent' }, object: { spec, status: aStatus({ restart: begun }) } },
      told: begun,
    },
  };

  test.each(Object.entries(cases))('%s', (_name, { parts, told: wanted }) => {
    expect(told(parts)).toEqual(wanted);
  });
});
