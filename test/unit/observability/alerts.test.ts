import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

import { createMetrics } from '../../../src/observability/metrics.ts';
import { describedMetrics } from '../../../tools/metrics-doc.ts';
import { readAlerts } from '../../support/alerts.ts';
import { faultsOf } from '../../support/promql.ts';

const root = path.join(import.meta.dirname, '../../..');
const alerts = readAlerts();
const metrics = await describedMetrics();

/** The anchors that a page has: its headings, as they are linked to. */
function anchorsIn(page: string): readonly string[] {
  const headings = readFileSync(path.join(root, page), 'utf8').matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

const stories = z.looseObject({
  tests: z.array(
    z.looseObject({
      alert_rule_test: z.array(z.looseObject({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })),
    }),
  ),
});

/** The alerts of all stories that promtool is told, by whether they are to fire. */
function toldAlerts(fires: boolean): readonly string[] {
  const file = path.join(root, 'test/integration/observability/alerts.promtool.yaml');
  const { tests } = stories.parse(parse(readFileSync(file, 'utf8')));
  const all = tests.flatMap((one) => one.alert_rule_test);
  const found = all.filter(({ exp_alerts: expected }) => expected.length > 0 === fires);
  return [...new Set(found.map(({ alertname }) => alertname))].toSorted();
}

const names = alerts.map(({ alert }) => alert).toSorted();

describe('the alerts', () => {
  test('are told of what the issue names: ends, revocations, abandoned leases, connections, the leader, the queue', () => {
    for (const name of [
      'LeaseExpiring',
      'RevocationFailing',
      'LeaseAbandoned',
      'ConnectionDown',
      'NoLeader',
      'QueueStuck',
    ])
      expect(names).toContain(`Leaseholder${name}`);
  });

  test.each(alerts)('$alert asks for metrics and labels that there are', ({ expr }) => {
    expect(faultsOf(expr, metrics)).toEqual([]);
  });

  test.each(alerts)('$alert speaks of labels that its series have', ({ expr, annotations }) => {
    const spoken = [...`${annotations.summary} ${annotations.description}`.matchAll(/\$labels\.(\w+)/g)];
    for (const [, label = ''] of spoken) expect(expr).toMatch(new RegExp(`by \\([^)]*\\b${label}\\b`));
  });

  test.each(alerts)(
    '$alert has an entry in the runbook, and its address leads there',
    ({ alert, annotations }) => {
      const anchor = alert.toLowerCase();
      expect(annotations.runbook_url).toMatch(new RegExp(`/docs/runbook\\.md#${anchor}$`));
      expect(anchorsIn('docs/runbook.md')).toContain(anchor);
    },
  );

  test('are all that the runbook has entries for', () => {
    const entries = [...readFileSync(path.join(root, 'docs/runbook.md'), 'utf8').matchAll(/^## (.+)$/gm)];
    expect(entries.map(([, title = '']) => title).toSorted()).toEqual(names);
  });

  test('fire in one story of promtool at least, and not in another', () => {
    expect(toldAlerts(true)).toEqual(names);
    expect(toldAlerts(false)).toEqual(names);
  });
});

describe('the check of queries', () => {
  test.each([
    ['leaseholder_leases{state="ready"}', []],
    ['leaseholder_leases{state="redy"}', ['state of leaseholder_leases is never redy']],
    ['leaseholder_leases{status="ready"}', ['leaseholder_leases has no label status']],
    ['sum by (result) (leaseholder_leases)', ['groups by result']],
    ['leaseholder_lease', ['there is no leaseholder_lease']],
    ['leaseholder_queue_wait_seconds', ['there is no leaseholder_queue_wait_seconds']],
    ['sum by (le, controller) (rate(leaseholder_queue_wait_seconds_bucket[5m]))', []],
    ['sum by (le) (leaseholder_queue_wait_seconds_sum)', ['groups by le']],
    ['process_nothing', ['there is no process_nothing']],
    ['vector(0)', ['asks for nothing']],
  ])('finds in %s what there is to find', (query, found) => {
    expect(faultsOf(query, metrics)).toEqual(found);
  });

  test('knows metrics of the runtime that there are', async () => {
    const { body } = await createMetrics().expose();
    for (const name of [
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
      'nodejs_eventloop_lag_p99_seconds',
    ])
      expect(body).toContain(`\n${name} `);
  });
});
