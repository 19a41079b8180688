import { expect } from 'vitest';

import { awaitCondition } from '../../../../sandbox/control-plane/condition.ts';
import { conditionOf, connectionObjects, isReady, type Stage } from '../../../support/stage.ts';
import { defined, ownLease } from '../../operator/support/own-lease.ts';

/**
 * The main path of a lease in namespace default: applied, Ready, its credentials in the Secret; replaced when somebody asks for it;
 * deleted, and nothing is left of it here or on the server.
 */
export async function mainPath(stage: Stage, name: string): Promise<void> {
  const connection = `${name}-server`;
  await stage.apply(...connectionObjects(stage, { name: connection }));
  const own = await ownLease(stage, name);
  await own.apply({ connectionRef: { name: connection } });
  const first = await stage.untilReady(name);
  expect(conditionOf(first, 'Ready')).toMatchObject({ status: 'True', reason: 'LeaseActive' });
  const before = defined(await stage.secret(name));
  expect(Object.keys(before)).toEqual(expect.arrayContaining(['DB_USERNAME', 'DB_PASSWORD']));
  expect((await own.record())?.lease.id).toBe(first.status.lease?.id);

  await stage.kubectl('annotate', 'dsl', name, 'leaseholder.dev/rotate=now');
  const second = await stage.untilLease(name, (lease) => lease.status.rotations === 1 && isReady(lease));
  expect(second.status.lease?.id).not.toBe(first.status.lease?.id);
  expect(await stage.secret(name)).not.toEqual(before);
  expect(await own.live()).toContain(second.status.lease?.id);

  await stage.kubectl('delete', 'dsl', name, '--timeout=60s');
  expect(await own.live()).toEqual([]);
  expect((await own.events()).toSorted()).toEqual(['made', 'made', 'revoked', 'revoked']);
  const gone = async (): Promise<boolean> => (await stage.secret(name)) === undefined;
  await awaitCondition(gone, { what: `Secret ${name} to be gone`, intervalMs: 100 });
  await stage.kubectl('delete', 'infisicalconnection', connection, '--timeout=60s');
}
