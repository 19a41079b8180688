import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { AuditEvent, AuditMark } from '../../../sandbox/control-plane/audit.ts';
import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { CONNECTION_FINALIZER, ROTATE_ANNOTATION } from '../../../src/api/names.ts';
import { SHARD_LABEL } from '../../../src/api/shard.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { conditionOf, connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';
import { defined, ownLease, type OwnLease } from './support/own-lease.ts';
import { replica, type Replica } from './support/replica.ts';

const SCALE = 0.05;

/** One without a shard, and one of the shard `b`. */
type Who = 'none' | 'b';

const labels = { none: {}, b: { [SHARD_LABEL]: 'b' } } as const;

/** Two releases of the operator on one API server, each with an election of its own. Their objects are those of the tests. */
describe('two shards', () => {
  let stage: Stage;
  let releases: Readonly<Record<Who, Replica>>;

  beforeAll(async () => {
    stage = await startStage();
    await stage.apply(...connectionObjects(stage), electionRole);
    releases = {
      none: { user: stage.user, kubeconfig: stage.kubeconfig },
      b: await replica(stage, 'shard-b', 'leaseholder-b'),
    };
    const common = { scale: SCALE, election: true };
    await Promise.all([
      stage.startOperator(common),
      stage.startOperator({ ...common, kubeconfig: releases.b.kubeconfig, flags: ['--shard', 'b'] }),
    ]);
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const requestsOf = async (who: Who, since: AuditMark, name?: string): Promise<readonly string[]> =>
    (await stage.plane.audit.events(since))
      .filter((event) => event.user === releases[who].user && isOfObjects(event))
      .filter((event) => name === undefined || event.name === name)
      .map(({ verb, resource }) => `${verb} ${resource}`);
  const writesOf = async (who: Who, since: AuditMark, name?: string): Promise<readonly string[]> =>
    (await requestsOf(who, since, name)).filter((request) => !/^(get|list|watch) /.test(request));
  const move = async (name: string, to: Who): Promise<void> => {
    const label = to === 'b' ? `${SHARD_LABEL}=b` : `${SHARD_LABEL}-`;
    await stage.kubectl('label', 'dsl', name, label, '--overwrite');
  };
  const served = async (name: string, who: Who, spec = {}): Promise<[OwnLease, LeaseRecord]> => {
    const own = await ownLease(stage, name);
    await own.apply(spec, { labels: labels[who] });
    return [own, await stage.untilReady(name)];
  };
  const shardOfSecret = async (name: string): Promise<string | undefined> =>
    (await stage.secretObject(name))?.metadata.labels[SHARD_LABEL];
  /** Until the release that an object has come to has made its Secret its own, and says so in the status. */
  const untilTaken = async (name: string, who: Who): Promise<void> => {
    const wanted = who === 'b' ? 'b' : undefined;
    await awaitCondition(
      async () => {
        const [secret, lease] = [await stage.secretObject(name), await stage.lease(name)];
        const isTaken = secret?.metadata.labels[SHARD_LABEL] === wanted;
        return isTaken && lease?.status.secret?.resourceVersion === secret?.metadata.resourceVersion;
      },
      { what: `${name} to be taken over`, intervalMs: 100 },
    );
  };
  /** Every lease that lives is the one that the Secret and the status name, or retires. */
  const untilAccounted = async (own: OwnLease): Promise<LeaseRecord> => {
    let seen: Accounts | undefined;
    try {
      return await awaitCondition(
        async () => {
          const lease = defined(await stage.lease(own.name));
          seen = await accountsOf(own, lease);
          return isReady(lease) && isAccounted(seen) && lease;
        },
        { what: `the leases of ${own.name}`, intervalMs: 100, timeoutMs: 60_000 },
      );
    } catch {
      throw new Error(`Waited for the leases of ${own.name}: ${JSON.stringify(seen)}`);
    }
  };

  it('serve every object once, by the release of its label', async () => {
    const since = await stage.plane.audit.mark();
    const names = [0, 1, 2, 3, 4, 5].map((index) => `once-${String(index)}`);
    const own = await Promise.all(names.map((name) => ownLease(stage, name)));
    await stage.apply(...own.map((one, index) => one.manifest({}, { labels: labels[whoOf(index)] })));
    for (const [index, one] of own.entries()) {
      await stage.untilReady(one.name);
      const [who, other] = whoOf(index) === 'b' ? (['b', 'none'] as const) : (['none', 'b'] as const);
      expect(await one.events()).toEqual(['made']);
      expect(await shardOfSecret(one.name)).toBe(who === 'b' ? 'b' : undefined);
      expect(await writesOf(other, since, one.name)).toEqual([]);
      const writes = await writesOf(who, since, one.name);
      expect(writes.filter((request) => request.endsWith('/status'))).toHaveLength(1);
      expect(await requestsOf(who, since, one.name)).not.toContain('get dynamicsecretleases');
    }
    // The audit log does not know the name of what is created.
    for (const who of ['none', 'b'] as const) {
      const made = (await writesOf(who, since)).filter((request) => request === 'create secrets');
      expect(made).toHaveLength(names.length / 2);
    }
  });

  it('hold elections of their own', async () => {
    const held = await stage.kubectl('get', 'leases', '-n', 'leaseholder-system', '-o', 'name');
    expect(held.trim().split('\n').toSorted()).toEqual([
      'lease.coordination.k8s.io/leaseholder',
      'lease.coordination.k8s.io/leaseholder-b',
    ]);
  });

  it('hand an object over with its lease, there and back, and rotate it where it is', async () => {
    const [own, before] = await served('there-and-back', 'none');
    const secret = defined(await stage.secretObject('there-and-back'));
    const since = await stage.plane.audit.mark();

    await move('there-and-back', 'b');
    await untilTaken('there-and-back', 'b');
    const taken = defined(await stage.secretObject('there-and-back'));
    expect([taken.metadata.uid, taken.data]).toEqual([secret.metadata.uid, secret.data]);
    const there = await stage.untilReady('there-and-back');
    expect(there.status.lease?.id).toBe(before.status.lease?.id);
    expect(await writesOf('none', since, 'there-and-back')).toEqual([]);
    expect(await requestsOf('b', since, 'there-and-back')).toEqual([
      'get secrets',
      'get dynamicsecretleases',
      'patch secrets',
      'patch dynamicsecretleases/status',
    ]);

    await stage.kubectl('annotate', 'dsl', 'there-and-back', `${ROTATE_ANNOTATION}=now`);
    await stage.untilLease('there-and-back', ({ status }) => status.lease?.id !== before.status.lease?.id);
    const rotated = await untilAccounted(own);
    expect(await own.events()).toEqual(['made', 'made']);
    expect(await shardOfSecret('there-and-back')).toBe('b');
    expect(await writesOf('none', since, 'there-and-back')).toEqual([]);

    await move('there-and-back', 'none');
    await untilTaken('there-and-back', 'none');
    const back = await stage.untilReady('there-and-back');
    expect(back.status.lease?.id).toBe(rotated.status.lease?.id);
    expect(await own.events()).toEqual(['made', 'made']);
    expect((await stage.secretObject('there-and-back'))?.metadata.uid).toBe(secret.metadata.uid);
  });

  it('leave nothing behind when an object moves while its lease is asked for', async () => {
    const own = await ownLease(stage, 'asked-for');
    const { faultId } = await stage.api.armFault({
      match: { dynamicSecret: 'asked-for', route: 'lease-create' },
      action: { type: 'delay', ms: 3000, when: 'after' },
    });
    await own.apply();
    await awaitCondition(async () => (await own.events()).includes('made'), { what: 'the lease' });
    await move('asked-for', 'b');
    await stage.api.disarmFaults({ faultId });
    await stage.untilLease('asked-for', isReady);
    await untilTaken('asked-for', 'b');
    await untilAccounted(own);
    expect(await shardOfSecret('asked-for')).toBe('b');
  });

  it('leave nothing behind when an object moves while a request has no answer', async () => {
    const [own] = await served('unanswered', 'none');
    await stage.api.armFault({
      match: { dynamicSecret: 'unanswered', route: 'lease-create' },
      action: { type: 'answer-lost', when: 'after' },
    });
    await stage.kubectl('annotate', 'dsl', 'unanswered', `${ROTATE_ANNOTATION}=now`);
    await awaitCondition(async () => (await own.events()).length > 1, { what: 'the request' });
    await move('unanswered', 'b');
    await stage.untilLease('unanswered', ({ rotate, status }) => rotate === 'now' && status.rotations === 1);
    await untilTaken('unanswered', 'b');
    await untilAccounted(own);
    expect((await own.events()).filter((event) => event === 'made').length).toBeLessThanOrEqual(3);
  });

  it('leave nothing behind when objects move to and fro while they are rotated', async () => {
    const names = ['to-and-fro-1', 'to-and-fro-2', 'to-and-fro-3'];
    const own: OwnLease[] = [];
    for (const name of names) own.push((await served(name, 'none'))[0]);
    for (const [round, to] of (['b', 'none', 'b'] as const).entries()) {
      await Promise.all(
        names.flatMap((name) => [
          stage.kubectl('annotate', '--overwrite', 'dsl', name, `${ROTATE_ANNOTATION}=${String(round)}`),
          move(name, to),
        ]),
      );
    }
    for (const one of own) {
      await untilTaken(one.name, 'b');
      await awaitCondition(async () => (await one.record())?.rotate === '2', { what: 'the last rotation' });
      const { status } = await untilAccounted(one);
      expect(status.lease?.id).toBe((await one.record())?.lease.id);
    }
  });

  it('revoke the lease of an object that is deleted after it has moved', async () => {
    const [own] = await served('moved-and-gone', 'none');
    await move('moved-and-gone', 'b');
    await untilTaken('moved-and-gone', 'b');
    const since = await stage.plane.audit.mark();
    await stage.kubectl('delete', 'dsl', 'moved-and-gone', '--wait=false');
    await stage.untilGone('moved-and-gone');
    expect(await own.events()).toEqual(['made', 'revoked']);
    expect(await stage.secretObject('moved-and-gone')).toBeUndefined();
    expect(await writesOf('none', since, 'moved-and-gone')).toEqual([]);
    expect(await writesOf('b', since, 'moved-and-gone')).toEqual([
      'delete secrets',
      'patch dynamicsecretleases',
    ]);
  });

  it('heal a Secret that somebody has deleted by the release of the object', async () => {
    const [own] = await served('healed', 'b');
    await stage.kubectl('delete', 'secret', 'healed');
    await awaitCondition(async () => (await shardOfSecret('healed')) === 'b', { what: 'the Secret' });
    await untilAccounted(own);
    expect(await own.events()).toEqual(['made', 'made']);
  });

  it('refuse what refers to a DynamicSecret of another shard, and say so', async () => {
    await stage.apply({
      apiVersion: 'leaseholder.dev/v1alpha1',
      kind: 'DynamicSecretLease',
      metadata: { name: 'referring', namespace: 'default', labels: labels.b },
      spec: { dynamicSecretRef: { name: 'elsewhere' } },
    });
    const refused = await stage.untilLease('referring', (lease) => conditionOf(lease, 'Ready') !== undefined);
    expect(conditionOf(refused, 'Ready')).toMatchObject({
      reason: 'DynamicSecretNotFound',
      message: expect.stringContaining('leaseholder.dev/shard') as unknown,
    });
  });

  it('share a connection: each holds it, one writes its status, and nobody writes once that is so', async () => {
    await stage.apply(...connectionObjects(stage, { name: 'shared' }));
    const connectionRef = { name: 'shared' };
    await served('sharing-none', 'none', { connectionRef });
    await served('sharing-b', 'b', { connectionRef });
    const finalizers = [CONNECTION_FINALIZER, `${CONNECTION_FINALIZER}-b`];
    await awaitCondition(
      async () => {
        const seen = await stage.connection('shared');
        return seen?.status.served === 1 && finalizers.every((one) => seen.finalizers.includes(one));
      },
      { what: 'both finalizers', intervalMs: 100 },
    );
    expect(await writesOf('b', 0, 'shared')).toEqual(['patch infisicalconnections']);
    const { resourceVersion } = defined(await stage.connection('shared'));
    // Whatever else happens to the objects of both is no reason to write it.
    const since = await stage.plane.audit.mark();
    for (const name of ['sharing-none', 'sharing-b']) {
      await stage.kubectl('annotate', 'dsl', name, `${ROTATE_ANNOTATION}=now`);
      await stage.untilLease(name, ({ status }) => status.rotations === 1);
    }
    expect((await stage.connection('shared'))?.resourceVersion).toBe(resourceVersion);
    for (const who of ['none', 'b'] as const) expect(await writesOf(who, since, 'shared')).toEqual([]);
  });
});

/** The right to hold the election of the shard: the shipped one is for the Lease of one name. */
const electionRole = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: 'leaseholder-b', namespace: 'leaseholder-system' },
  rules: [
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: ['leaseholder-b'],
      verbs: ['get', 'patch'],
    },
  ],
};

function whoOf(index: number): Who {
  return index % 2 === 0 ? 'none' : 'b';
}

/** The ids of an object's leases: those that live on the server, and who names which. */
interface Accounts {
  readonly live: readonly string[];
  readonly current: string | undefined;
  readonly retiring: readonly string[];
  readonly recorded: string | undefined;
}

async function accountsOf(own: OwnLease, { status }: LeaseRecord): Promise<Accounts> {
  return {
    live: await own.live(),
    current: status.lease?.id,
    retiring: (status.retiring ?? []).map(({ id }) => id),
    recorded: (await own.record())?.lease.id,
  };
}

function isAccounted({ live, current, retiring, recorded }: Accounts): boolean {
  return recorded === current && live.every((id) => id === current || retiring.includes(id));
}

/** Of the objects that tests are about, and not of the election. */
function isOfObjects({ resource, group, namespace }: AuditEvent): boolean {
  const isCustom = group === 'leaseholder.dev';
  return namespace === 'default' && (isCustom || resource === 'secrets');
}
