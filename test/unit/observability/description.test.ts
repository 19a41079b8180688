import { describe, expect, test } from 'vitest';

import {
  documentedMetrics,
  exposedMetrics,
  withoutSample,
} from '../../../sandbox/observability/documented.ts';
import { knownLabels } from '../../../src/known-labels.ts';
import { createMetrics } from '../../../src/observability/metrics.ts';
import { describedMetrics } from '../../../tools/metrics-doc.ts';

/** What begins with what happens: the server chooses the status, and there is no lease yet. */
const fromTheFirst = [
  'leaseholder_kube_requests_total',
  'leaseholder_lease_expiry_timestamp_seconds',
  'leaseholder_lease_rotation_timestamp_seconds',
];

describe('the metrics describe themselves', () => {
  test('with the values of labels that are there from the start', async () => {
    const described = await describedMetrics();
    const logins = described.find(({ name }) => name === 'leaseholder_logins_total');
    expect(logins).toEqual({
      name: 'leaseholder_logins_total',
      type: 'counter',
      help: 'Logins to lease APIs; refused: by the server.',
      labels: new Map([
        ['method', ['universal', 'kubernetes', 'oidc', 'jwt', 'aws', 'azure', 'gcp', 'ldap', 'token']],
        ['result', ['accepted', 'refused']],
      ]),
    });
  });

  test('with their labels, also where no value is known', async () => {
    const described = await describedMetrics();
    const requests = described.find(({ name }) => name === 'leaseholder_kube_requests_total');
    expect([...(requests?.labels.keys() ?? [])]).toEqual(['verb', 'resource', 'code']);
  });
});

describe('docs/metrics.md', () => {
  test('lists every metric of ours that is exposed, once, and no other', async () => {
    const { body } = await createMetrics(knownLabels).expose();
    expect(documentedMetrics().toSorted()).toEqual(exposedMetrics(body).toSorted());
    expect(documentedMetrics().length).toBeGreaterThan(25);
  });

  test('is right about what is there from the start', async () => {
    const { body } = await createMetrics(knownLabels).expose();
    expect(withoutSample(body).toSorted()).toEqual(fromTheFirst);
  });
});
