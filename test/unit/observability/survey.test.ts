import { describe, expect, test } from 'vitest';

import { createMetrics } from '../../../src/observability/metrics.ts';
import { MOST_ENDS, nearest } from '../../../src/observability/survey-metrics.ts';
import type { LeaseEnd, LeaseSurvey } from '../../../src/telemetry.ts';

const end = (name: string, expiresAt: number, namespace = 'shop'): LeaseEnd => ({
  namespace,
  name,
  expiresAt,
  rotateAt: expiresAt - 1000,
});

const names = (ends: readonly LeaseEnd[]): readonly string[] => ends.map(({ name }) => name).toSorted();

/** In no order of their ends: a fixed walk through all of them. */
function scattered(count: number): readonly LeaseEnd[] {
  return Array.from({ length: count }, (_, index) => {
    const place = (index * 7919) % count;
    return end(`lease-${String(place)}`, place * 1000);
  });
}

const surveyed = (ends: readonly LeaseEnd[]): (() => LeaseSurvey) => {
  return () => ({ ends, retiring: 0, revocationsFailing: 0, unaccounted: 0 });
};

async function exposed(ends: readonly LeaseEnd[]): Promise<string> {
  const metrics = createMetrics();
  metrics.surveyLeases(surveyed(ends));
  return (await metrics.expose()).body;
}

function toldNames(body: string): readonly string[] {
  const found = body.matchAll(/^leaseholder_lease_expiry_timestamp_seconds\{.*lease_name="([^"]+)"/gm);
  return [...found].map(([, name = '']) => name).toSorted();
}

describe('the nearest ends', () => {
  test('are all of them, where they are not more than may be told', () => {
    const ends = scattered(10);
    expect(nearest(ends, 10)).toBe(ends);
  });

  test('are the first ones, where they are more', () => {
    const expected = Array.from({ length: 100 }, (_, place) => `lease-${String(place)}`).toSorted();
    expect(names(nearest(scattered(1000), 100))).toEqual(expected);
  });

  test('are, of those that end at the same time, the first by namespace and name', () => {
    const ends = [end('c', 5), end('a', 5, 'zoo'), end('b', 5), end('z', 1), end('x', 9)];
    expect(nearest(ends, 3).map(({ namespace, name }) => `${namespace}/${name}`)).toEqual([
      'shop/z',
      'shop/b',
      'shop/c',
    ]);
  });

  test('are as many as may be told where all end together', () => {
    const together = scattered(1000).map((one) => ({ ...one, expiresAt: 1 }));
    expect(nearest(together, 10)).toHaveLength(10);
  });
});

describe('the metrics tell', () => {
  test('the ends of 2,000 leases, and that no other is left out', async () => {
    const body = await exposed(scattered(MOST_ENDS));
    expect(toldNames(body)).toHaveLength(2000);
    expect(body).toContain('leaseholder_lease_expiries_omitted 0\n');
  });

  test('of 10,000 the 2,000 nearest, and how many are left out', async () => {
    const body = await exposed(scattered(10_000));
    expect(toldNames(body)).toEqual(
      names(scattered(10_000).filter(({ expiresAt }) => expiresAt < 2_000_000)),
    );
    expect(body).toContain('leaseholder_lease_expiries_omitted 8000\n');
  });

  test('nothing of a lease that is gone, or of any when nobody surveys them any more', async () => {
    const metrics = createMetrics();
    metrics.surveyLeases(surveyed([end('a', 1000), end('b', 2000)]));
    expect(toldNames((await metrics.expose()).body)).toEqual(['a', 'b']);
    metrics.surveyLeases(surveyed([end('b', 2000)]));
    expect(toldNames((await metrics.expose()).body)).toEqual(['b']);
    metrics.surveyLeases(undefined);
    expect(toldNames((await metrics.expose()).body)).toEqual([]);
  });

  test('what one survey says: the leases are looked at once for each time that somebody asks', async () => {
    const metrics = createMetrics();
    let surveys = 0;
    metrics.surveyLeases(() => {
      surveys += 1;
      return { ends: [], retiring: 0, revocationsFailing: 0, unaccounted: 0 };
    });
    await metrics.expose();
    await metrics.expose();
    expect(surveys).toBe(2);
  });
});
