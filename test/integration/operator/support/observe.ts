import type { AuditMark } from '../../../../sandbox/control-plane/audit.ts';
import type { Stage } from '../../../support/stage.ts';
import { ownLease } from './own-lease.ts';

/** Resolves when the operator has seen, and answered, everything that was changed before: a lease of its own tells. */
export async function untilCaughtUp(stage: Stage, marker: string): Promise<void> {
  const own = await ownLease(stage, marker);
  await own.apply();
  await stage.untilReady(marker);
}

/** What the operator has asked of the Kubernetes API about objects of a name, in order: "patch secrets"… */
export async function requestsFor(stage: Stage, name: string, since: AuditMark): Promise<readonly string[]> {
  return (await stage.plane.audit.events(since))
    .filter((event) => event.user === stage.user && event.name === name)
    .map(({ verb, resource }) => `${verb} ${resource}`);
}
