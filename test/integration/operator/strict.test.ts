import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ApiClient } from '../../../sandbox/control-plane/api-client.ts';
import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { tokenIn } from '../../../sandbox/control-plane/kubeconfig.ts';
import { startOperatorProcess, type OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { ADOPT_ANNOTATION, MANAGED_LABEL } from '../../../src/api/names.ts';
import type { Reason } from '../../../src/api/condition.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { conditionOf, connectionObjects, startStage, type Stage } from '../../support/stage.ts';
import {
  AUDIENCE,
  connectionAndLease,
  reviewingCluster,
  seedIdentity,
  serviceAccount,
} from './support/login-scene.ts';
import { defined, ownLease } from './support/own-lease.ts';
import { aSecret, attemptsOn, goStrict, malformedOn, ours, secretPath, tried } from './support/strict.ts';

/** The Secrets that leases may fill here. */
const granted = [
  'main',
  'edited',
  'deleted',
  'taken',
  'unlabelled',
  'retained',
  'by-secret',
  'named',
  'adopted',
  'own',
  'granted-foreign',
];

/** The operator with the rights of strict mode and no others. */
describe('strict mode', () => {
  let stage: Stage;
  let operator: OperatorProcess;
  let client: ApiClient;

  const start = (): Promise<OperatorProcess> =>
    stage.startOperator({ scale: 0.05, flags: ['--strict', 'on'] });

  beforeAll(async () => {
    stage = await startStage();
    const ca = await readFile(stage.plane.caFile, 'utf8');
    client = new ApiClient(stage.plane.server, ca, await tokenIn(stage.kubeconfig));
    await goStrict(stage, { account: 'robot', names: granted, credentials: 'named-login' }, client);
    const kubernetes = {
      ...(await reviewingCluster(stage)),
      allowedNamespaces: 'default',
      allowedNames: 'robot',
      allowedAudience: AUDIENCE,
    };
    const identityId = await seedIdentity(stage, { kubernetes });
    const auth = { kubernetes: { identityId, serviceAccountRef: { name: 'robot', audience: AUDIENCE } } };
    const [connection = {}] = connectionAndLease(stage, 'infisical', auth);
    await stage.apply(serviceAccount('robot'), connection);
    operator = await start();
  });
  afterAll(async () => {
    await client.close();
    await stage[Symbol.asyncDispose]();
  });

  const untilReason = (name: string, reason: Reason): Promise<LeaseRecord> =>
    stage.untilLease(name, (one) => conditionOf(one, 'Ready')?.reason === reason);
  const untilAnother = (name: string, before: LeaseRecord): Promise<LeaseRecord> =>
    stage.untilLease(
      name,
      ({ status }) => status.lease !== undefined && status.lease.id !== before.status.lease?.id,
    );
  const agrees = async (name: string, { status }: LeaseRecord): Promise<void> => {
    expect((await stage.secret(name))?.['DB_USERNAME']).toBe(status.lease?.externalEntityId);
  };

  it('fills a Secret, replaces what is in it, goes on after a restart, and revokes', async () => {
    const own = await ownLease(stage, 'main');
    const since = await stage.plane.audit.mark();
    await own.apply();
    const first = await stage.untilReady('main');
    await agrees('main', first);

    await stage.kubectl('annotate', 'dsl', 'main', 'leaseholder.dev/rotate=1');
    const second = await untilAnother('main', first);
    await agrees('main', second);

    await operator.kill();
    operator = await start();
    const looked = async (): Promise<boolean> =>
      (await stage.plane.audit.events(since)).some(
        ({ name, resource, requestURI }) =>
          resource === 'secrets' && name === 'main' && requestURI.includes('dryRun=All'),
      );
    await awaitCondition(looked, { what: 'a look at the Secret' });
    await stage.kubectl('annotate', 'dsl', 'main', '--overwrite', 'leaseholder.dev/rotate=2');
    const third = await untilAnother('main', second);
    await agrees('main', third);
    expect(await own.events()).toEqual(['made', 'made', 'made']);

    await stage.kubectl('delete', 'dsl', 'main', '--timeout=60s');
    expect(await own.live()).toEqual([]);
    expect(await stage.secret('main')).toBeUndefined();
    const verbs = (await stage.plane.audit.events(since))
      .filter(({ user, resource, name }) => user === stage.user && resource === 'secrets' && name === 'main')
      .map(({ verb }) => verb);
    expect([...new Set(verbs)].sort()).toEqual(['create', 'delete', 'patch']);
  });

  it('heals a Secret that was edited, and one that was deleted', async () => {
    const [edited, deleted] = [await ownLease(stage, 'edited'), await ownLease(stage, 'deleted')];
    await Promise.all([edited.apply(), deleted.apply()]);
    const before = [await stage.untilReady('edited'), await stage.untilReady('deleted')] as const;
    await stage.kubectl('patch', 'secret', 'edited', '-p', '{"stringData":{"DB_USERNAME":"nobody"}}');
    await stage.kubectl('delete', 'secret', 'deleted');
    await agrees('edited', await untilAnother('edited', before[0]));
    await agrees('deleted', await untilAnother('deleted', before[1]));
    // One more lease each, whatever was seen of them in between.
    expect([(await edited.events()).length, (await deleted.events()).length]).toEqual([2, 2]);
  });

  it('leaves a Secret of somebody else as it is, and says so', async () => {
    const own = await ownLease(stage, 'taken');
    await stage.apply({
      ...aSecret({}, { name: 'taken' }),
      metadata: { name: 'taken', namespace: 'default' },
    });
    const before = await stage.secretObject('taken');
    await own.apply();
    const lease = await untilReason('taken', 'SecretConflict');
    expect(conditionOf(lease, 'Ready')?.message).toContain('does not belong to this object');
    expect(await stage.secretObject('taken')).toEqual(before);
    await awaitCondition(async () => (await own.live()).length === 0, { what: 'the revocation' });

    await stage.kubectl('delete', 'secret', 'taken');
    await agrees('taken', await stage.untilReady('taken'));
  });

  it('has no hand on its own Secret once the label is gone, and has it again when it is back', async () => {
    const own = await ownLease(stage, 'unlabelled');
    await own.apply();
    const first = await stage.untilReady('unlabelled');
    await stage.kubectl('label', 'secret', 'unlabelled', `${MANAGED_LABEL}-`);
    const before = await stage.secretObject('unlabelled');
    await untilReason('unlabelled', 'SecretConflict');
    expect(await stage.secretObject('unlabelled')).toEqual(before);

    await stage.kubectl('label', 'secret', 'unlabelled', `${MANAGED_LABEL}=true`);
    const after = await stage.untilReady('unlabelled');
    expect(after.status.lease?.id).toBe(first.status.lease?.id);
    expect(await own.events()).toEqual(['made']);
  });

  it('leaves a Secret behind where the spec says so', async () => {
    const own = await ownLease(stage, 'retained');
    await own.apply({ secret: { deletionPolicy: 'Retain' } });
    await stage.untilReady('retained');
    await stage.kubectl('delete', 'dsl', 'retained', '--timeout=60s');
    const left = defined(await stage.secretObject('retained'));
    expect(left.metadata.labels).toEqual({});
    expect(left.metadata.ownerReferences).toEqual([]);
  });

  it('says which Secret it may not read for a login', async () => {
    const [login = {}, connection = {}] = connectionObjects(stage, { name: 'by-secret' });
    const own = await ownLease(stage, 'by-secret');
    await stage.apply(login, connection);
    await own.apply({ connectionRef: { name: 'by-secret' } });
    const lease = await untilReason('by-secret', 'CredentialForbidden');
    expect(conditionOf(lease, 'Ready')?.message).toContain('by-secret-login');
  });

  it('logs in by a Secret that is granted by name', async () => {
    const own = await ownLease(stage, 'named');
    await stage.apply(...connectionObjects(stage, { name: 'named' }));
    await own.apply({ connectionRef: { name: 'named' } });
    await agrees('named', await stage.untilReady('named'));
    expect(await own.events()).toEqual(['made']);
  });

  it('takes over a Secret that offers itself and has our label', async () => {
    const own = await ownLease(stage, 'adopted');
    const annotations = { [ADOPT_ANNOTATION]: 'adopted' };
    const offered = { name: 'adopted', namespace: 'default', annotations };
    await stage.apply({ ...aSecret({}, { name: 'adopted' }), metadata: offered });
    await own.apply({ secret: { adoption: 'Adopt' } });
    await untilReason('adopted', 'SecretConflict');
    await stage.kubectl('label', 'secret', 'adopted', `${MANAGED_LABEL}=true`);
    const lease = await stage.untilReady('adopted');
    await agrees('adopted', lease);
    const { metadata } = defined(await stage.secretObject('adopted'));
    expect(metadata.ownerReferences).toMatchObject([{ uid: lease.uid }]);
  });

  it('is found in order by a check, and out of order where no policy is in force', async () => {
    const program = path.join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');
    const check = async (kubeconfig: string): Promise<{ code: number | null; output: string }> => {
      const flags = ['--connection', 'default/infisical', '--strict', 'on'];
      await using run = startOperatorProcess({ kubeconfig, flags, entry: [program, 'check'] });
      return { code: await run.ended(), output: run.output() };
    };
    const good = await check(stage.kubeconfig);
    expect(good.output).toMatch(/ok +kubernetes +secrets +May create\./);
    expect(good.output).toMatch(/ok +kubernetes +patches of Secrets in namespace default/);
    expect(good.output).toMatch(/ok +kubernetes +policy of strict mode in namespace default/);
    expect(good).toMatchObject({ code: 0, output: expect.stringContaining('All is well.') as string });

    const other = { namespace: 'default', name: 'unbound' };
    const kubeconfig = await stage.plane.serviceAccountKubeconfig(other);
    await stage.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'unbound' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'leaseholder' },
      subjects: [{ kind: 'ServiceAccount', ...other }],
    });
    const bad = await check(kubeconfig);
    expect(bad.output).toMatch(/fails +kubernetes +policy of strict mode in namespace default/);
    expect(bad.code).toBe(1);
  });

  it('is refused a Secret of a name that is not granted, and gives the lease back', async () => {
    const own = await ownLease(stage, 'ungranted');
    await own.apply();
    const lease = await untilReason('ungranted', 'SecretRefused');
    expect(conditionOf(lease, 'Ready')?.message).toContain('ungranted');
    await awaitCondition(async () => (await own.live()).length === 0, { what: 'the revocation' });
    expect(await stage.secret('ungranted')).toBeUndefined();
  });

  describe('the operator’s own token', () => {
    const kept = 'what-nobody-may-see';
    const shows = (text: string): boolean =>
      text.includes(kept) || text.includes(Buffer.from(kept).toString('base64'));

    beforeAll(async () => {
      for (const name of ['foreign', 'granted-foreign']) {
        const metadata = { name, namespace: 'default' };
        await stage.apply({ ...aSecret({}, { name }), metadata, stringData: { password: kept } });
      }
    });

    const everything = { ...attemptsOn('foreign'), ...malformedOn('foreign') };
    const fromOutside = Object.keys(everything).map((how) => ['foreign', how, everything[how]] as const);
    const wellFormed = attemptsOn('granted-foreign');
    const ofThatName = Object.keys(wellFormed).map(
      (how) => ['granted-foreign', how, wellFormed[how]] as const,
    );

    it.each([...fromOutside, ...ofThatName])('comes not at Secret %s by %s', async (name, _how, attempt) => {
      const before = await stage.secretObject(name);
      const answer = await tried(client, defined(attempt));
      expect([403, 422]).toContain(answer.status);
      expect(shows(answer.text)).toBe(false);
      expect(await stage.secretObject(name)).toEqual(before);
      expect(await stage.secretObject('stolen')).toBeUndefined();
    });

    // The reason for the names: an admission policy comes too late here. docs/strict.md says so.
    it('sees a Secret of a granted name by a malformed patch, whatever its label', async () => {
      const malformed = malformedOn('granted-foreign');
      const attempt = defined(malformed['JSON patch that copies the data to the labels']);
      const answer = await tried(client, attempt);
      expect([answer.status, shows(answer.text)]).toEqual([422, true]);
    });

    it('makes, sees by dry run, and deletes what has our label', async () => {
      const body = aSecret(ours, { name: 'own' });
      expect((await client.send(secretPath(), { method: 'POST', body })).status).toBe(201);
      const own = attemptsOn('own');
      expect((await tried(client, defined(own['JSON patch of nothing, dry']))).status).toBe(200);
      expect((await tried(client, defined(own['delete']))).status).toBe(200);
    });
  });
});
