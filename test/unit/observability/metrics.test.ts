import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';
import { faultCodes } from '../../../src/errors.ts';
import { createMetrics, EVENT_LOOP_BEAT } from '../../../src/observability/metrics.ts';
import type { PrometheusMetrics } from '../../../src/observability/metrics.ts';

const known = {
  controllers: ['lease'],
  watched: ['dynamicsecretleases'],
  routes: ['create-lease'],
  outcomes: ['200', 'lost'],
};

/** What names of durations end in; those of moments do too. */
const duration = /(?<!_timestamp)_seconds$/;

/** The exposition's samples by name and labels, our own only. */
async function samples(metrics: PrometheusMetrics): Promise<Map<string, number>> {
  const { body } = await metrics.expose();
  const lines = body.split('\n').filter((line) => line.startsWith('leaseholder_'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

describe('before anything has happened', () => {
  const seeded = [
    'leaseholder_leases{state="ready"}',
    'leaseholder_leases{state="unready"}',
    'leaseholder_leases{state="deleting"}',
    'leaseholder_dynamic_secrets{state="ready"}',
    'leaseholder_dynamic_secrets{state="unready"}',
    'leaseholder_dynamic_secrets{state="deleting"}',
    'leaseholder_dynamic_secret_changes_total{what="created"}',
    'leaseholder_dynamic_secret_changes_total{what="adopted"}',
    'leaseholder_dynamic_secret_changes_total{what="updated"}',
    'leaseholder_dynamic_secret_changes_total{what="renamed"}',
    'leaseholder_dynamic_secret_changes_total{what="removed"}',
    'leaseholder_dynamic_secret_changes_total{what="left"}',
    'leaseholder_lease_requests_total{result="made"}',
    'leaseholder_lease_requests_total{result="refused"}',
    'leaseholder_lease_requests_total{result="unknown"}',
    'leaseholder_unanswered_requests_settled_total{result="revoked"}',
    'leaseholder_unanswered_requests_settled_total{result="never-made"}',
    'leaseholder_unanswered_requests_settled_total{result="unattributed"}',
    'leaseholder_deliveries_total{result="written"}',
    'leaseholder_deliveries_total{result="found"}',
    'leaseholder_deliveries_total{result="conflict"}',
    'leaseholder_deliveries_total{result="refused"}',
    'leaseholder_deliveries_total{result="abandoned"}',
    'leaseholder_rotations_total',
    'leaseholder_revocations_total{result="confirmed"}',
    'leaseholder_revocations_total{result="gone"}',
    'leaseholder_revocations_total{result="ended"}',
    'leaseholder_revocations_total{result="refused"}',
    'leaseholder_revocations_total{result="left"}',
    'leaseholder_revocations_total{result="abandoned"}',
    ...['lease', 'revocation', 'dynamic-secret', 'login'].flatMap((what) =>
      faultCodes.map((reason) => `leaseholder_failures_total{what="${what}",reason="${reason}"}`),
    ),
    'leaseholder_lease_expiries_omitted',
    'leaseholder_retiring_leases',
    'leaseholder_revocations_failing',
    'leaseholder_connections{state="ready"}',
    'leaseholder_connections{state="unready"}',
    'leaseholder_connections{state="deleting"}',
    'leaseholder_unaccounted_leases',
    'leaseholder_events_total{result="written"}',
    'leaseholder_events_total{result="joined"}',
    'leaseholder_events_total{result="failed"}',
    'leaseholder_events_total{result="dropped"}',
    'leaseholder_leading',
    'leaseholder_renewals_total{result="renewed"}',
    'leaseholder_renewals_total{result="refused"}',
    'leaseholder_renewals_total{result="unknown"}',
    'leaseholder_swept_leases_total{result="revoked"}',
    'leaseholder_swept_leases_total{result="reported"}',
    'leaseholder_drift_total{kind="deleted"}',
    'leaseholder_drift_total{kind="edited"}',
    'leaseholder_drift_total{kind="unlabelled"}',
    'leaseholder_drift_total{kind="forged"}',
    'leaseholder_workload_restarts_total{result="restarted"}',
    'leaseholder_workload_restarts_total{result="failed"}',
    'leaseholder_pod_nudges_total{result="nudged"}',
    'leaseholder_pod_nudges_total{result="failed"}',
    ...['universal', 'kubernetes', 'oidc', 'jwt', 'aws', 'azure', 'gcp', 'ldap', 'token'].flatMap(
      (method) => [
        `leaseholder_logins_total{method="${method}",result="accepted"}`,
        `leaseholder_logins_total{method="${method}",result="refused"}`,
        `leaseholder_sessions{method="${method}"}`,
      ],
    ),
    'leaseholder_reconciliations_total{controller="lease",result="done"}',
    'leaseholder_reconciliations_total{controller="lease",result="requeued"}',
    'leaseholder_reconciliations_total{controller="lease",result="faulted"}',
    'leaseholder_reconciliations_total{controller="lease",result="crashed"}',
    'leaseholder_reconciliation_duration_seconds_count{controller="lease"}',
    'leaseholder_queue_depth{controller="lease"}',
    'leaseholder_queue_wait_seconds_count{controller="lease"}',
    'leaseholder_api_requests_total{route="create-lease",outcome="200"}',
    'leaseholder_api_requests_total{route="create-lease",outcome="lost"}',
    ...['2xx', '4xx', '5xx', 'none'].map(
      (code) => `leaseholder_api_request_duration_seconds_count{route="create-lease",code="${code}"}`,
    ),
    'leaseholder_watch_restarts_total{resource="dynamicsecretleases",cause="ended"}',
    'leaseholder_watch_restarts_total{resource="dynamicsecretleases",cause="silent"}',
    'leaseholder_watch_restarts_total{resource="dynamicsecretleases",cause="expired"}',
    'leaseholder_watch_restarts_total{resource="dynamicsecretleases",cause="error"}',
    'leaseholder_api_servers{circuit="closed"}',
    'leaseholder_api_servers{circuit="half-open"}',
    'leaseholder_api_servers{circuit="open"}',
    'leaseholder_api_turns_awaited{route="create-lease"}',
    'leaseholder_api_throttled_seconds_total{route="create-lease"}',
    'leaseholder_api_held_back_total{reason="circuit"}',
    'leaseholder_api_held_back_total{reason="limit"}',
  ];

  test.each(seeded)('%s is 0', async (name) => {
    expect((await samples(createMetrics(known))).get(name)).toBe(0);
  });

  test('no other series exists, but for the buckets', async () => {
    const names = [...(await samples(createMetrics(known))).keys()];
    const others = names.filter((name) => !/_(bucket|sum)\b/.test(name) && !seeded.includes(name));
    expect(others).toEqual([]);
  });
});

describe('each event is counted where it belongs', () => {
  const events: Record<
    string,
    { act: (metrics: PrometheusMetrics) => void; changed: Record<string, number> }
  > = {
    'a lease that was made': {
      act: (metrics) => metrics.leaseRequested('made'),
      changed: { 'leaseholder_lease_requests_total{result="made"}': 1 },
    },
    'a dynamic secret that was created': {
      act: (metrics) => metrics.dynamicSecretChanged('created'),
      changed: { 'leaseholder_dynamic_secret_changes_total{what="created"}': 1 },
    },
    'the DynamicSecrets by their state': {
      act: (metrics) => metrics.dynamicSecrets({ ready: 3, unready: 2, deleting: 1 }),
      changed: {
        'leaseholder_dynamic_secrets{state="ready"}': 3,
        'leaseholder_dynamic_secrets{state="unready"}': 2,
        'leaseholder_dynamic_secrets{state="deleting"}': 1,
      },
    },
    'a request that was settled': {
      act: (metrics) => metrics.requestSettled('never-made'),
      changed: { 'leaseholder_unanswered_requests_settled_total{result="never-made"}': 1 },
    },
    'a delivery that met a conflict': {
      act: (metrics) => metrics.delivered('conflict'),
      changed: { 'leaseholder_deliveries_total{result="conflict"}': 1 },
    },
    'a confirmed revocation': {
      act: (metrics) => metrics.revoked('confirmed'),
      changed: { 'leaseholder_revocations_total{result="confirmed"}': 1 },
    },
    'a renewal': {
      act: (metrics) => metrics.renewed('renewed'),
      changed: { 'leaseholder_renewals_total{result="renewed"}': 1 },
    },
    'a lease that nobody names': {
      act: (metrics) => metrics.swept('revoked'),
      changed: { 'leaseholder_swept_leases_total{result="revoked"}': 1 },
    },
    'a Secret that was edited': {
      act: (metrics) => metrics.drifted('edited'),
      changed: { 'leaseholder_drift_total{kind="edited"}': 1 },
    },
    'a workload that is restarted': {
      act: (metrics) => metrics.restarted('restarted'),
      changed: { 'leaseholder_workload_restarts_total{result="restarted"}': 1 },
    },
    'a pod that could not be nudged': {
      act: (metrics) => metrics.nudged('failed'),
      changed: { 'leaseholder_pod_nudges_total{result="failed"}': 1 },
    },
    'a process that leads': {
      act: (metrics) => metrics.leading(true),
      changed: { leaseholder_leading: 1 },
    },
    'a rotation': { act: (metrics) => metrics.rotated(), changed: { leaseholder_rotations_total: 1 } },
    'a refused login': {
      act: (metrics) => metrics.loggedIn('oidc', 'refused'),
      changed: { 'leaseholder_logins_total{method="oidc",result="refused"}': 1 },
    },
    'two sessions that work, and one of them no longer': {
      act: (metrics) => ([1, 1, -1] as const).forEach((by) => metrics.sessionsChanged('jwt', by)),
      changed: { 'leaseholder_sessions{method="jwt"}': 1 },
    },
    'the connections by state': {
      act: (metrics) => metrics.connections({ ready: 4, unready: 1, deleting: 0 }),
      changed: {
        'leaseholder_connections{state="ready"}': 4,
        'leaseholder_connections{state="unready"}': 1,
      },
    },
    'a step that failed': {
      act: (metrics) => metrics.failed('revocation', 'RevocationFailed'),
      changed: { 'leaseholder_failures_total{what="revocation",reason="RevocationFailed"}': 1 },
    },
    'an event that was dropped': {
      act: (metrics) => metrics.eventTold('dropped'),
      changed: { 'leaseholder_events_total{result="dropped"}': 1 },
    },
    'a survey of the leases': {
      act: (metrics) =>
        metrics.surveyLeases(() => ({
          ends: [
            { namespace: 'shop', name: 'db', expiresAt: 1_800_000_000_500, rotateAt: 1_799_999_000_000 },
            { namespace: 'shop', name: 'mq', expiresAt: 1_700_000_000_000, rotateAt: undefined },
          ],
          retiring: 3,
          revocationsFailing: 1,
          unaccounted: 2,
        })),
      changed: {
        'leaseholder_lease_expiry_timestamp_seconds{lease_namespace="shop",lease_name="db"}': 1_800_000_000.5,
        'leaseholder_lease_expiry_timestamp_seconds{lease_namespace="shop",lease_name="mq"}': 1_700_000_000,
        'leaseholder_lease_rotation_timestamp_seconds{lease_namespace="shop",lease_name="db"}': 1_799_999_000,
        leaseholder_retiring_leases: 3,
        leaseholder_revocations_failing: 1,
        leaseholder_unaccounted_leases: 2,
      },
    },
    'a depth of the queue': {
      act: (metrics) => metrics.queueDepth('lease', 7),
      changed: { 'leaseholder_queue_depth{controller="lease"}': 7 },
    },
    'a watch that fell silent': {
      act: (metrics) => metrics.watchRestarted('dynamicsecretleases', 'silent'),
      changed: { 'leaseholder_watch_restarts_total{resource="dynamicsecretleases",cause="silent"}': 1 },
    },
    'an answer of the Kubernetes API': {
      act: (metrics) => metrics.kubeAnswered('patch', 'secrets', 409),
      changed: { 'leaseholder_kube_requests_total{verb="patch",resource="secrets",code="409"}': 1 },
    },
    'the servers by their circuits': {
      act: (metrics) => metrics.circuits({ closed: 3, 'half-open': 1, open: 2 }),
      changed: {
        'leaseholder_api_servers{circuit="closed"}': 3,
        'leaseholder_api_servers{circuit="half-open"}': 1,
        'leaseholder_api_servers{circuit="open"}': 2,
      },
    },
    'requests that wait for their turn': {
      act: (metrics) => metrics.turnsAwaited('create-lease', 4),
      changed: { 'leaseholder_api_turns_awaited{route="create-lease"}': 4 },
    },
    'a request that has waited for its turn': {
      act: (metrics) => metrics.throttled('create-lease', 2.5),
      changed: { 'leaseholder_api_throttled_seconds_total{route="create-lease"}': 2.5 },
    },
    'a request that was not sent': {
      act: (metrics) => metrics.heldBack('circuit'),
      changed: { 'leaseholder_api_held_back_total{reason="circuit"}': 1 },
    },
    'the objects by state': {
      act: (metrics) => metrics.leases({ ready: 5, unready: 2, deleting: 1 }),
      changed: {
        'leaseholder_leases{state="ready"}': 5,
        'leaseholder_leases{state="unready"}': 2,
        'leaseholder_leases{state="deleting"}': 1,
      },
    },
  };

  test.each(Object.entries(events))('%s', async (_, { act, changed }) => {
    const metrics = createMetrics(known);
    const before = await samples(metrics);
    act(metrics);
    const after = [...(await samples(metrics))].filter(([name, value]) => before.get(name) !== value);
    expect(Object.fromEntries(after)).toEqual(changed);
  });

  test('a reconciliation is counted and timed', async () => {
    const metrics = createMetrics(known);
    metrics.reconciled('lease', 'done', 0.2);
    const found = await samples(metrics);
    expect(found.get('leaseholder_reconciliations_total{controller="lease",result="done"}')).toBe(1);
    expect(found.get('leaseholder_reconciliation_duration_seconds_sum{controller="lease"}')).toBe(0.2);
    expect(found.get('leaseholder_reconciliation_duration_seconds_bucket{le="0.1",controller="lease"}')).toBe(
      0,
    );
    expect(
      found.get('leaseholder_reconciliation_duration_seconds_bucket{le="0.25",controller="lease"}'),
    ).toBe(1);
  });

  test.each([
    ['200', '2xx'],
    ['201', '2xx'],
    ['404', '4xx'],
    ['4xx', '4xx'],
    ['503', '5xx'],
    ['3xx', 'none'],
    ['other', 'none'],
    ['unreadable', 'none'],
    ['lost', 'none'],
    ['unreachable', 'none'],
  ])("a lease API's answer of %s is counted, and timed as %s", async (outcome, code) => {
    const metrics = createMetrics();
    metrics.apiAnswered('create-lease', outcome, 3);
    const found = await samples(metrics);
    expect(found.get(`leaseholder_api_requests_total{route="create-lease",outcome="${outcome}"}`)).toBe(1);
    const timed = `leaseholder_api_request_duration_seconds_sum{route="create-lease",code="${code}"}`;
    expect(found.get(timed)).toBe(3);
  });

  test('an object that waited for a worker is timed', async () => {
    const metrics = createMetrics(known);
    metrics.queueWaited('lease', 0.3);
    metrics.queueWaited('lease', -1e-9);
    const found = await samples(metrics);
    expect(found.get('leaseholder_queue_wait_seconds_sum{controller="lease"}')).toBe(0.3);
    expect(found.get('leaseholder_queue_wait_seconds_bucket{le="0.001",controller="lease"}')).toBe(1);
    expect(found.get('leaseholder_queue_wait_seconds_bucket{le="0.5",controller="lease"}')).toBe(2);
  });

  test('a duration that is no number is counted and does not throw', async () => {
    const metrics = createMetrics(known);
    metrics.reconciled('lease', 'crashed', Number.NaN);
    const found = await samples(metrics);
    expect(found.get('leaseholder_reconciliations_total{controller="lease",result="crashed"}')).toBe(1);
    expect(found.get('leaseholder_reconciliation_duration_seconds_count{controller="lease"}')).toBe(0);
  });
});

describe('the exposition', () => {
  test("is Prometheus' text format with the usual process metrics", async () => {
    const { contentType, body } = await createMetrics().expose();
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(body).toContain('process_resident_memory_bytes');
    expect(body).toContain('nodejs_eventloop_lag_p99_seconds');
  });

  test('tells by how much the event loop is late, and wakes it no oftener than said', async () => {
    const metrics = createMetrics();
    const lag = async (which: 'min' | 'max'): Promise<number> => {
      const { body } = await metrics.expose();
      const line = body.split('\n').find((one) => one.startsWith(`nodejs_eventloop_lag_${which}_seconds `));
      return Number(line?.split(' ').at(-1)) * 1000;
    };
    await delay(4 * EVENT_LOOP_BEAT);
    // A timer may come a little early, or late before and not after.
    expect(await lag('min')).toBeGreaterThan(EVENT_LOOP_BEAT / 3);
    await delay(2 * EVENT_LOOP_BEAT);
    const until = performance.now() + 4 * EVENT_LOOP_BEAT;
    let looks = 0;
    while (performance.now() < until) looks += 1;
    expect(looks).toBeGreaterThan(0);
    await delay(2 * EVENT_LOOP_BEAT);
    expect(await lag('max')).toBeGreaterThan(3 * EVENT_LOOP_BEAT);
  });

  test('two registries do not meet', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.rotated();
    expect((await samples(other)).get('leaseholder_rotations_total')).toBe(0);
  });

  test('names keep to the conventions: counters end in _total, durations in _seconds, moments in _timestamp_seconds, each has a help text', async () => {
    const { body } = await createMetrics(known).expose();
    const types = [...body.matchAll(/^# TYPE (leaseholder_\w+) (\w+)$/gm)].map(([, name = '', type]) => ({
      name,
      type,
    }));
    expect(types.length).toBeGreaterThan(10);
    expect(types.filter(({ name, type }) => (type === 'counter') !== name.endsWith('_total'))).toEqual([]);
    expect(types.filter(({ name, type }) => (type === 'histogram') !== duration.test(name))).toEqual([]);
    expect(types.filter(({ name, type }) => name.endsWith('_timestamp_seconds') && type !== 'gauge')).toEqual(
      [],
    );
    for (const { name } of types) expect(body).toMatch(new RegExp(`^# HELP ${name} [A-Z].*\\.$`, 'm'));
  });
});
