import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { restartKey } from '../../../src/restart/annotation.ts';
import { connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';
import { EARLY_ROTATION, ownLease } from './support/own-lease.ts';

const workload = z.object({
  metadata: z.object({ generation: z.number() }),
  spec: z.object({
    template: z.object({
      metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
    }),
  }),
});

const path = (name: string): string => `/apis/apps/v1/namespaces/default/deployments/${name}`;

/** No controller of workloads is here: their status is written as they would. */
describe.concurrent('workloads are restarted', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator({ scale: 0.05 });
    await stage.kubectl(
      'create',
      'clusterrolebinding',
      'restarts',
      '--clusterrole=leaseholder-restart',
      '--serviceaccount=leaseholder-system:leaseholder',
    );
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const deployment = (name: string, spec: object = {}): Promise<void> => {
    const labels = { app: name };
    const containers = [{ name: 'app', image: 'example.com/app' }];
    return stage.apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'default', labels },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
        ...spec,
      },
    });
  };
  const seen = async (name: string): Promise<z.infer<typeof workload>> =>
    workload.parse(await stage.read(path(name)));
  const templateOf = async (name: string): Promise<Readonly<Record<string, string>>> =>
    (await seen(name)).spec.template.metadata.annotations;
  /** Its controller has replaced all pods. */
  const rolledOut = async (name: string): Promise<void> => {
    const { generation } = (await seen(name)).metadata;
    const status = {
      observedGeneration: generation,
      replicas: 1,
      updatedReplicas: 1,
      readyReplicas: 1,
      availableReplicas: 1,
    };
    const patch = JSON.stringify({ status });
    await stage.kubectl('patch', 'deployment', name, '--subresource=status', '--type=merge', '-p', patch);
  };

  it('when the credentials change, not before, and the old lease lives until their pods have the new ones', async () => {
    const own = await ownLease(stage, 'rolling', { lifeOverride: EARLY_ROTATION.life });
    await deployment('rolling');
    await rolledOut('rolling');
    const restart = [{ kind: 'Deployment', name: 'rolling' }];
    const revocation = { onRotation: 'Revoke', gracePeriod: '1s' };
    await own.apply({ ...EARLY_ROTATION.spec, restart, revocation });
    const first = await stage.untilReady('rolling');
    expect(await templateOf('rolling')).toEqual({});
    await own.liveFor(null);

    const second = await stage.untilLease('rolling', (lease) => (lease.status.rotations ?? 0) > 0);
    const id = second.status.lease?.id ?? '';
    expect(id).not.toBe(first.status.lease?.id);
    await awaitCondition(async () => (await templateOf('rolling'))[restartKey('rolling')] === id, {
      what: 'the restart',
    });
    const rolling = await stage.untilLease(
      'rolling',
      (lease) => lease.status.restart?.workloads?.[0]?.phase === 'RollingOut',
    );
    // The grace is over by now, and pods still use the old one.
    expect(Date.parse(rolling.status.retiring?.[0]?.revokeAfter ?? '')).toBeLessThan(Date.now() + 60_000);
    expect(await own.events()).toEqual(['made', 'made']);
    await rolledOut('rolling');
    await stage.untilLease('rolling', (lease) => lease.status.restart?.complete === true);
    await awaitCondition(async () => (await own.events()).includes('revoked'), {
      what: 'the revocation',
      timeoutMs: 60_000,
    });
  });

  it('once for all leases that change together', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `together-${String(index)}`);
    const own = await ownLease(stage, 'together');
    const restart = [{ kind: 'Deployment', selector: { matchLabels: { app: 'together' } } }];
    const dynamicSecret = { name: 'together', projectSlug: 'shop', environmentSlug: 'prod' };
    await deployment('together');
    const { generation } = (await seen('together')).metadata;
    await stage.apply(...names.map((name) => own.manifest({ dynamicSecret, restart }, { name })));
    for (const name of names) await stage.untilReady(name);
    await stage.kubectl('annotate', 'dsl', ...names, 'leaseholder.dev/rotate=now');
    const rotated = await Promise.all(
      names.map((name) => stage.untilLease(name, (lease) => lease.status.rotations === 1 && isReady(lease))),
    );
    const wanted = Object.fromEntries(
      rotated.map(({ name, status }) => [restartKey(name), status.lease?.id]),
    );
    await awaitCondition(async () => Object.keys(await templateOf('together')).length === names.length, {
      what: 'the restart',
    });
    expect(await templateOf('together')).toEqual(wanted);
    expect((await seen('together')).metadata.generation).toBe(generation + 1);
  });

  it('not while they are paused, and the status says so', async () => {
    const own = await ownLease(stage, 'pausing');
    await deployment('pausing', { paused: true });
    await own.apply({ restart: [{ kind: 'Deployment', name: 'pausing' }] });
    await stage.untilReady('pausing');
    await stage.kubectl('annotate', 'dsl', 'pausing', 'leaseholder.dev/rotate=now');
    const paused = await stage.untilLease(
      'pausing',
      (lease) => lease.status.restart?.workloads?.[0]?.phase === 'Paused',
    );
    expect(await templateOf('pausing')).toEqual({});
    await stage.kubectl('patch', 'deployment', 'pausing', '--type=merge', '-p', '{"spec":{"paused":false}}');
    await awaitCondition(
      async () => (await templateOf('pausing'))[restartKey('pausing')] === paused.status.lease?.id,
      { what: 'the restart' },
    );
  });

  it('that do not exist, or are of a kind that does not, are told of', async () => {
    const own = await ownLease(stage, 'absent');
    const restart = [
      { kind: 'StatefulSet', name: 'absent' },
      { kind: 'Rollout', name: 'absent' },
    ];
    await own.apply({ restart });
    await stage.untilReady('absent');
    await stage.kubectl('annotate', 'dsl', 'absent', 'leaseholder.dev/rotate=now');
    const { status } = await stage.untilLease(
      'absent',
      (lease) => lease.status.restart?.workloads !== undefined,
    );
    expect(status.restart?.workloads?.map(({ phase, reason }) => `${phase} ${String(reason)}`)).toEqual([
      'Failed NotFound',
      'Failed NotFound',
    ]);
    const told = (): Promise<string> =>
      stage.kubectl('get', 'events', '--field-selector=reason=RestartFailed', '-o', 'jsonpath={..message}');
    await awaitCondition(async () => (await told()).includes('StatefulSet absent'), { what: 'the event' });
  });
});
