import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import {
  conditionOf,
  connectionObjects,
  isReady,
  leaseManifest,
  startStage,
  type SecretSeed,
  type Stage,
} from '../../support/stage.ts';
import { LATER_ROTATION } from './support/own-lease.ts';

function lease(namespace: string, name = 'wanted', spec: object = {}): object {
  const dynamicSecret = { name: namespace, projectSlug: 'shop', environmentSlug: 'prod' };
  return leaseManifest(name, { dynamicSecret, ...spec }, { namespace });
}

/** A Secret that the Kubernetes API does not let the operator write. Each case has a namespace of its own. */
describe.concurrent('a Secret that cannot be written', () => {
  let stage: Stage;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    operator = await stage.startOperator({ scale: 0.05 });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** A namespace with a connection, and a dynamic secret of the same name. */
  const settle = async (name: string, seed: SecretSeed = {}): Promise<string> => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await stage.apply(namespace, ...connectionObjects(stage, { namespace: name }));
    return stage.seed(name, seed);
  };
  const untilLease = (
    namespace: string,
    probe: (one: LeaseRecord) => boolean,
    timeoutMs = 60_000,
  ): Promise<LeaseRecord> =>
    awaitCondition(
      async () => {
        const one = await stage.lease('wanted', namespace);
        return one !== undefined && probe(one) && one;
      },
      { what: `the lease of namespace ${namespace}`, timeoutMs, intervalMs: 50 },
    );
  const untilReason = (namespace: string, reason: string): Promise<LeaseRecord> =>
    untilLease(namespace, (one) => conditionOf(one, 'Reconciling')?.reason === reason);
  const eventsOf = async (namespace: string): Promise<readonly string[]> =>
    (await stage.ledger(namespace)).map(({ event }) => event);
  const liveOf = async (namespace: string): Promise<readonly string[]> =>
    (await stage.api.live()).leases
      .filter(({ dynamicSecret }) => dynamicSecret === namespace)
      .map(({ leaseId }) => leaseId);
  /** Resolves when the operator has asked for something in a namespace so many times more. */
  const untilAsked = async (namespace: string, request: string, times: number): Promise<void> => {
    const since = await stage.plane.audit.mark();
    await awaitCondition(
      async () => {
        const events = await stage.plane.audit.events(since);
        const asked = events.filter(
          (event) =>
            event.user === stage.user &&
            event.namespace === namespace &&
            `${event.verb} ${event.resource}` === request,
        );
        return asked.length >= times;
      },
      { what: `${String(times)} times "${request}" in ${namespace}`, timeoutMs: 60_000, intervalMs: 200 },
    );
  };

  it('because it is somebody else’s stays as it is, byte for byte, and costs one lease', async () => {
    const namespace = 'foreign';
    await settle(namespace);
    const theirs = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'wanted', namespace, labels: { app: 'theirs' } },
      stringData: { password: 'their-own-password' },
    };
    await stage.apply(theirs);
    const path = `/api/v1/namespaces/${namespace}/secrets/wanted`;
    const before = await stage.read(path);
    await stage.apply(lease(namespace));
    const refused = await untilReason(namespace, 'SecretConflict');
    expect(conditionOf(refused, 'Ready')).toMatchObject({ status: 'False', reason: 'SecretConflict' });
    expect(conditionOf(refused, 'Ready')?.message).toContain('Secret wanted exists');
    expect(conditionOf(refused, 'Ready')?.message).toContain('spec.secret.name');
    await awaitCondition(async () => (await liveOf(namespace)).length === 0, { what: 'the revocation' });

    // Its retries look at the Secret, and ask the server for nothing.
    await untilAsked(namespace, 'get secrets', 3);
    expect(await eventsOf(namespace)).toEqual(['made', 'revoked']);
    expect(await stage.read(path)).toEqual(before);
    expect(operator.output()).not.toContain('their-own-password');

    await stage.kubectl('delete', 'secret', 'wanted', '-n', namespace);
    const healed = await untilLease(namespace, isReady);
    expect(await liveOf(namespace)).toEqual([healed.status.lease?.id]);
    expect(await eventsOf(namespace)).toEqual(['made', 'revoked', 'made']);
    expect(healed.status).not.toHaveProperty('attempts');
  });

  it('because it is somebody else’s stays when the object is deleted', async () => {
    const namespace = 'foreign-deleted';
    await settle(namespace);
    const metadata = { name: 'wanted', namespace };
    await stage.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { a: 'b' } });
    await stage.apply(lease(namespace));
    await untilReason(namespace, 'SecretConflict');
    await stage.kubectl('delete', 'dsl', 'wanted', '-n', namespace, '--timeout=60s');

    expect(await stage.secret('wanted', namespace)).toEqual({ a: 'b' });
    expect(await liveOf(namespace)).toEqual([]);
  });

  it('because of a quota costs one lease, and is written when there is room', async () => {
    const namespace = 'quota';
    await settle(namespace);
    const quota = {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'few', namespace },
      spec: { hard: { secrets: '1' } },
    };
    await stage.apply(quota);
    // What a controller of Kubernetes would count.
    const full = JSON.stringify({ status: { hard: { secrets: '1' }, used: { secrets: '1' } } });
    await stage.kubectl(
      'patch',
      'quota',
      'few',
      '-n',
      namespace,
      '--subresource=status',
      '--type=merge',
      '-p',
      full,
    );
    await stage.apply(lease(namespace));
    const refused = await untilReason(namespace, 'SecretRefused');
    expect(conditionOf(refused, 'Ready')).toMatchObject({ status: 'False', reason: 'SecretRefused' });
    expect(conditionOf(refused, 'Ready')?.message).toMatch(/Secret wanted with status 403 .*quotas/);
    await untilAsked(namespace, 'create secrets', 3);
    expect(await eventsOf(namespace)).toEqual(['made', 'revoked']);
    expect(await stage.secret('wanted', namespace)).toBeUndefined();

    await stage.kubectl('delete', 'quota', 'few', '-n', namespace);
    const healed = await untilLease(namespace, isReady);
    expect(await liveOf(namespace)).toEqual([healed.status.lease?.id]);
  });

  /** Lets nobody write Secrets in a namespace, or only such as the expression allows. */
  const forbidWrites = async (namespace: string, unless = 'false'): Promise<void> => {
    const name = `no-secrets-${namespace}`;
    await stage.apply(
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicy',
        metadata: { name },
        spec: {
          failurePolicy: 'Fail',
          matchConstraints: {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
            resourceRules: [
              {
                apiGroups: [''],
                apiVersions: ['v1'],
                operations: ['CREATE', 'UPDATE'],
                resources: ['secrets'],
              },
            ],
          },
          validations: [{ expression: unless, message: 'no such Secrets here' }],
        },
      },
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicyBinding',
        metadata: { name },
        spec: { policyName: name, validationActions: ['Deny'] },
      },
    );
    const labels = { theirs: 'forbidden' };
    const probe = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'probe', namespace, labels } };
    const apply = ['apply', '--dry-run=server', '-f', '-'];
    const denied = async (): Promise<boolean> =>
      (await stage.plane.kubectlRun(apply, { input: JSON.stringify(probe) })).exitCode !== 0;
    await awaitCondition(denied, { what: 'the policy to act', intervalMs: 200 });
  };

  it('because of an admission policy costs one lease, and is written when that is gone', async () => {
    const namespace = 'guarded';
    await settle(namespace);
    await forbidWrites(namespace);
    await stage.apply(lease(namespace));
    const refused = await untilReason(namespace, 'SecretRefused');
    expect(conditionOf(refused, 'Ready')?.message).toMatch(
      /Secret wanted with status 422 .*admission policies/,
    );
    await untilAsked(namespace, 'create secrets', 3);
    expect(await eventsOf(namespace)).toEqual(['made', 'revoked']);

    await stage.kubectl('delete', 'validatingadmissionpolicy', `no-secrets-${namespace}`);
    const healed = await untilLease(namespace, isReady);
    expect(await liveOf(namespace)).toEqual([healed.status.lease?.id]);
  });

  it('at a rotation keeps the lease in use, costs one other, and is replaced when it can be', async () => {
    const namespace = 'guarded-later';
    await settle(namespace, { firstLife: LATER_ROTATION.life });
    await stage.apply(lease(namespace, 'wanted', LATER_ROTATION.spec));
    const before = await untilLease(namespace, isReady);
    const data = await stage.secret('wanted', namespace);
    await forbidWrites(namespace);
    const refused = await untilReason(namespace, 'SecretRefused');
    expect(conditionOf(refused, 'Ready')).toMatchObject({ status: 'True', reason: 'LeaseActive' });
    expect(refused.status.lease?.id).toBe(before.status.lease?.id);
    expect(await stage.secret('wanted', namespace)).toEqual(data);
    await untilAsked(namespace, 'patch secrets', 2);
    expect(await eventsOf(namespace)).toEqual(['made', 'made', 'revoked']);

    await stage.kubectl('delete', 'validatingadmissionpolicy', `no-secrets-${namespace}`);
    const healed = await untilLease(namespace, ({ status }) => status.rotations === 1);
    expect(await liveOf(namespace)).toContain(healed.status.lease?.id);
    expect(conditionOf(healed, 'Reconciling')?.status).toBe('False');
  });

  it('for the sake of a label keeps its lease and its credentials, and says which Secret', async () => {
    const namespace = 'unlabelled';
    await settle(namespace);
    await stage.apply(lease(namespace));
    const before = await untilLease(namespace, isReady);
    const data = await stage.secret('wanted', namespace);
    await forbidWrites(namespace, "!has(object.metadata.labels) || !('theirs' in object.metadata.labels)");
    await stage.apply(lease(namespace, 'wanted', { secret: { labels: { theirs: 'forbidden' } } }));
    const refused = await untilReason(namespace, 'SecretRefused');
    expect(conditionOf(refused, 'Ready')).toMatchObject({ status: 'True', reason: 'LeaseActive' });
    expect(conditionOf(refused, 'Reconciling')?.message).toMatch(/Secret wanted with status 422/);
    expect(await stage.secret('wanted', namespace)).toEqual(data);

    await stage.apply(lease(namespace));
    const healed = await untilLease(
      namespace,
      (one) => one.generation === 3 && isReady(one) && conditionOf(one, 'Reconciling')?.status === 'False',
    );
    expect(healed.status.lease?.id).toBe(before.status.lease?.id);
    expect(await eventsOf(namespace)).toEqual(['made']);
  });

  it('because its namespace ends holds nothing up, and no lease of it stays', async () => {
    const namespace = 'ending';
    await settle(namespace);
    await stage.apply(lease(namespace), lease(namespace, 'another'), lease(namespace, 'a-third'));
    await untilLease(namespace, isReady);
    await stage.kubectl('delete', 'namespace', namespace, '--wait=false');
    await awaitCondition(async () => (await stage.read(`/api/v1/namespaces/${namespace}`)) === undefined, {
      what: 'the namespace to be gone',
      timeoutMs: 30_000,
      intervalMs: 100,
    });

    // The connection may have gone first, and the Secrets before their objects.
    expect(await liveOf(namespace)).toEqual([]);
    expect((await eventsOf(namespace)).filter((event) => event === 'made').length).toBeLessThanOrEqual(6);
  });
});
