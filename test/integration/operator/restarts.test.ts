import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { restartKey } from '../../../src/restart/annotation.ts';
import { connectionObjects, startStage, type Stage } from '../../support/stage.ts';
import { deploymentsOf, grantRestarts, type Deployments } from './support/deployments.ts';
import { EARLY_ROTATION, ownLease } from './support/own-lease.ts';

describe.concurrent('workloads are restarted', () => {
  let stage: Stage;
  let deployments: Deployments;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator({ scale: 0.05 });
    await grantRestarts(stage);
    deployments = deploymentsOf(stage);
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  it('when the credentials change, not before, and the old lease lives until their pods have the new ones', async () => {
    const own = await ownLease(stage, 'rolling', { lifeOverride: EARLY_ROTATION.life });
    await deployments.apply('rolling');
    await deployments.rolledOut('rolling');
    const restart = [{ kind: 'Deployment', name: 'rolling' }];
    const revocation = { onRotation: 'Revoke', gracePeriod: '1s' };
    await own.apply({ ...EARLY_ROTATION.spec, restart, revocation });
    const first = await stage.untilReady('rolling');
    expect(await deployments.templateOf('rolling')).toEqual({});
    await own.liveFor(null);

    const second = await stage.untilLease('rolling', (lease) => (lease.status.rotations ?? 0) > 0);
    const id = second.status.lease?.id ?? '';
    expect(id).not.toBe(first.status.lease?.id);
    await awaitCondition(
      async () => (await deployments.templateOf('rolling'))[restartKey('rolling')] === id,
      {
        what: 'the restart',
      },
    );
    const rolling = await stage.untilLease(
      'rolling',
      (lease) => lease.status.restart?.workloads?.[0]?.phase === 'RollingOut',
    );
    // The grace is over by now, and pods still use the old one.
    expect(Date.parse(rolling.status.retiring?.[0]?.revokeAfter ?? '')).toBeLessThan(Date.now() + 60_000);
    expect(await own.events()).toEqual(['made', 'made']);
    await deployments.rolledOut('rolling');
    await stage.untilLease('rolling', (lease) => lease.status.restart?.complete === true);
    await awaitCondition(async () => (await own.events()).includes('revoked'), {
      what: 'the revocation',
      timeoutMs: 60_000,
    });
  });

  it('not while they are paused, and the status says so', async () => {
    const own = await ownLease(stage, 'pausing');
    await deployments.apply('pausing', { paused: true });
    await own.apply({ restart: [{ kind: 'Deployment', name: 'pausing' }] });
    await stage.untilReady('pausing');
    await stage.kubectl('annotate', 'dsl', 'pausing', 'leaseholder.dev/rotate=now');
    const paused = await stage.untilLease(
      'pausing',
      (lease) => lease.status.restart?.workloads?.[0]?.phase === 'Paused',
    );
    expect(await deployments.templateOf('pausing')).toEqual({});
    await stage.kubectl('patch', 'deployment', 'pausing', '--type=merge', '-p', '{"spec":{"paused":false}}');
    await awaitCondition(
      async () =>
        (await deployments.templateOf('pausing'))[restartKey('pausing')] === paused.status.lease?.id,
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
