import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { writeKubeconfig } from '../../../sandbox/control-plane/kubeconfig.ts';
import { freePorts } from '../../../sandbox/control-plane/ports.ts';
import { createCertificates } from '../../../sandbox/lease-api/certificate.ts';
import { startOperatorProcess } from '../../../sandbox/operator/operator.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { documentedMetrics, exposedMetrics } from '../../../sandbox/observability/documented.ts';
import { freeAddress, untilServed } from './support/address.ts';
import { defined } from './support/own-lease.ts';

/** The operator as its surroundings see it: a process with flags, probes, metrics and an exit code. */
describe('the process', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  it('answers its probes, and its metrics tell what it did', async () => {
    const { address, get } = await freeAddress();
    const operator = await stage.startOperator({ scale: 0.05, flags: ['--listen', address] });
    expect(await get('/livez')).toEqual([200, 'ok\n']);
    expect(await get('/readyz')).toEqual([200, 'ok\n']);
    expect((await get('/'))[0]).toBe(404);

    await stage.seed('doomed');
    const doomed = { dynamicSecret: { name: 'doomed', projectSlug: 'shop', environmentSlug: 'prod' } };
    await stage.apply(...connectionObjects(stage));
    await stage.apply(leaseManifest('one'), leaseManifest('two'), leaseManifest('three', doomed));
    for (const name of ['one', 'two', 'three']) await stage.untilReady(name);
    await stage.kubectl('delete', 'dsl', 'two');
    await stage.api.armFault({
      match: { dynamicSecret: 'doomed', times: 'always' },
      action: { type: 'revocation-fails' },
    });
    await stage.kubectl('delete', 'dsl', 'three', '--wait=false');
    await stage.untilLease('three', ({ status }) => status.attempts !== undefined);
    await stage.apply(leaseManifest('four', { connectionRef: { name: 'nobody' } }));
    await stage.untilLease('four', ({ status }) => status.conditions !== undefined);

    const [status, metrics] = await get('/metrics');
    expect(status).toBe(200);
    expect(exposedMetrics(metrics).toSorted()).toEqual(documentedMetrics().toSorted());
    const valueOf = (series: string): number | undefined => {
      const line = metrics.split('\n').find((one) => one.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length + 1));
    };
    const values = Object.fromEntries(
      [
        'leaseholder_leases{state="ready"}',
        'leaseholder_leases{state="unready"}',
        'leaseholder_leases{state="deleting"}',
        'leaseholder_lease_requests_total{result="made"}',
        'leaseholder_lease_requests_total{result="unknown"}',
        'leaseholder_deliveries_total{result="written"}',
        'leaseholder_revocations_total{result="confirmed"}',
        'leaseholder_logins_total{method="universal",result="accepted"}',
        'leaseholder_logins_total{method="universal",result="refused"}',
        'leaseholder_sessions{method="universal"}',
        'leaseholder_retiring_leases',
        'leaseholder_revocations_failing',
        'leaseholder_connections{state="ready"}',
        'leaseholder_unaccounted_leases',
        'leaseholder_lease_expiries_omitted',
        'leaseholder_rotations_total',
        'leaseholder_queue_depth{controller="lease"}',
        'leaseholder_kube_requests_total{verb="create",resource="secrets",code="201"}',
        'leaseholder_api_requests_total{route="create-lease",outcome="200"}',
      ].map((series) => [series, valueOf(series)]),
    );
    expect(values).toEqual({
      'leaseholder_leases{state="ready"}': 1,
      'leaseholder_leases{state="unready"}': 1,
      'leaseholder_leases{state="deleting"}': 1,
      'leaseholder_lease_requests_total{result="made"}': 3,
      'leaseholder_lease_requests_total{result="unknown"}': 0,
      'leaseholder_deliveries_total{result="written"}': 3,
      'leaseholder_revocations_total{result="confirmed"}': 1,
      'leaseholder_logins_total{method="universal",result="accepted"}': 1,
      'leaseholder_logins_total{method="universal",result="refused"}': 0,
      'leaseholder_sessions{method="universal"}': 1,
      leaseholder_retiring_leases: 0,
      leaseholder_revocations_failing: 1,
      'leaseholder_connections{state="ready"}': 1,
      leaseholder_unaccounted_leases: 0,
      leaseholder_lease_expiries_omitted: 0,
      leaseholder_rotations_total: 0,
      'leaseholder_queue_depth{controller="lease"}': 0,
      'leaseholder_kube_requests_total{verb="create",resource="secrets",code="201"}': 3,
      'leaseholder_api_requests_total{route="create-lease",outcome="200"}': 3,
    });
    expect(valueOf('leaseholder_revocations_total{result="refused"}')).toBeGreaterThan(0);
    const failed = 'leaseholder_failures_total{what="revocation",reason="RevocationFailed"}';
    expect(valueOf(failed)).toBeGreaterThan(0);
    // Of the three the first only is neither being deleted nor without a lease.
    const { status: known } = defined(await stage.lease('one'));
    const moment = (what: string, name: string): number | undefined =>
      valueOf(`leaseholder_lease_${what}_timestamp_seconds{lease_namespace="default",lease_name="${name}"}`);
    expect(moment('expiry', 'one')).toBe(Date.parse(defined(known.lease?.expireAt)) / 1000);
    expect(moment('rotation', 'one')).toBe(Date.parse(defined(known.rotateAt)) / 1000);
    expect(['two', 'three', 'four'].map((name) => moment('expiry', name))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(valueOf('leaseholder_queue_wait_seconds_count{controller="lease"}')).toBeGreaterThan(0);
    expect(valueOf('leaseholder_reconciliations_total{controller="lease",result="crashed"}')).toBe(0);
    expect(valueOf('leaseholder_reconciliations_total{controller="connection",result="crashed"}')).toBe(0);

    await stage.api.disarmFaults();
    await stage.untilGone('three');
    await stage.kubectl('delete', 'dsl', '--all');
    expect(await operator.stop()).toBe(0);
    await expect(get('/livez')).rejects.toThrow('fetch failed');
  });

  it('lives, but is not ready, while there is no API server; SIGTERM ends it with 0 even then', async () => {
    const place = await freeAddress();
    const { address, get } = place;
    const [port = 0] = await freePorts(1);
    const kubeconfig = `${stage.plane.directory}/kubeconfig-nowhere`;
    const { ca } = createCertificates();
    const server = `https://127.0.0.1:${String(port)}`;
    await writeKubeconfig(kubeconfig, { server, ca, user: 'nobody', token: 'nothing' });
    await using operator = startOperatorProcess({ kubeconfig, flags: ['--listen', address] });
    expect(await untilServed(place)).toEqual([200, 'ok\n']);
    const [status, text] = await get('/readyz');
    expect(status).toBe(503);
    expect(text).toContain('waiting for dynamicsecretleases');
    expect(await operator.stop()).toBe(0);
  });

  it('does not start at an address that is taken, and says so', async () => {
    const place = await freeAddress();
    const { address } = place;
    const { kubeconfig } = stage;
    await using first = startOperatorProcess({ kubeconfig, flags: ['--listen', address] });
    await untilServed(place);
    await using second = startOperatorProcess({ kubeconfig, flags: ['--listen', address] });
    expect(await second.ended()).toBe(1);
    expect(second.lines.at(-1)).toMatchObject({ level: 'error' });
    expect(second.output()).toContain('--listen is in use');
    expect(await first.stop()).toBe(0);
  });

  it('names every bad flag at once, and ends with 2', async () => {
    const { kubeconfig } = stage;
    const flags = ['--workers', '0', '--log-level', 'loud', '--nonsense', 'x'];
    await using operator = startOperatorProcess({ kubeconfig, flags });
    expect(await operator.ended()).toBe(2);
    for (const flag of ['--workers', '--log-level', '--nonsense']) expect(operator.output()).toContain(flag);
  });

  it('without a kubeconfig that can be read ends with 1 and a sentence', async () => {
    await using operator = startOperatorProcess({ kubeconfig: '/no/such/kubeconfig' });
    expect(await operator.ended()).toBe(1);
    expect(operator.lines.at(-1)).toMatchObject({ level: 'error' });
    expect(operator.output()).toContain('/no/such/kubeconfig');
  });

  it('looks after the namespaces that it is given, and no others', async () => {
    const objects = (namespace: string): readonly object[] => [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      ...connectionObjects(stage, { namespace }),
      leaseManifest('mine', {}, { namespace }),
    ];
    await stage.apply(...objects('team-a'), ...objects('team-b'), ...objects('team-c'));
    const since = await stage.plane.audit.mark();
    const operator = await stage.startOperator({ scale: 0.05, flags: ['--namespaces', 'team-a,team-b'] });
    for (const namespace of ['team-a', 'team-b']) {
      await awaitCondition(async () => (await stage.secret('mine', namespace)) !== undefined, {
        what: `the Secret in ${namespace}`,
      });
    }
    const asked = (await stage.plane.audit.events(since)).filter((event) => event.user === stage.user);
    expect(new Set(asked.map(({ namespace }) => namespace))).toEqual(
      // One live look at kube-system tells the installation.
      new Set(['team-a', 'team-b', 'kube-system']),
    );
    expect((await stage.lease('mine', 'team-c'))?.finalizers).toEqual([]);
    expect((await stage.connection('infisical', 'team-c'))?.status.conditions).toBeUndefined();
    expect(await operator.stop()).toBe(0);
  });

  it('lets a connection to its probes that says nothing wait, and ends nevertheless', async () => {
    const { address, get } = await freeAddress();
    const { kubeconfig } = stage;
    await using operator = startOperatorProcess({ kubeconfig, flags: ['--listen', address] });
    await operator.ready();
    const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
    await once(socket, 'connect');
    expect(await get('/readyz')).toEqual([200, 'ok\n']);
    expect(await operator.stop()).toBe(0);
    socket.destroy();
  });
});
