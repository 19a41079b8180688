import { awaitCondition } from '../../../../sandbox/control-plane/condition.ts';
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

/** The reasons of the events about an object, as `kubectl get events` has them. */
export async function eventsOf(
  stage: Stage,
  name: string,
  namespace = 'default',
): Promise<readonly string[]> {
  const reasons = '{range .items[*]}{.reason}{"\\n"}{end}';
  const about = `--field-selector=involvedObject.name=${name}`;
  const text = await stage.kubectl('-n', namespace, 'get', 'events', about, '-o', `jsonpath=${reasons}`);
  return text.split('\n').filter((line) => line !== '');
}

/** Waits for an event of a reason: events are written after what they tell of. */
export async function untilEvent(stage: Stage, name: string, reason: string): Promise<void> {
  const told = async (): Promise<boolean> => (await eventsOf(stage, name)).includes(reason);
  await awaitCondition(told, { what: `event ${reason} of ${name}`, intervalMs: 200 });
}

/** Resolves at an instant of this machine's clock, which is that of the sandbox's servers too. */
export async function untilInstant(instant: number): Promise<void> {
  const passed = (): Promise<boolean> => Promise.resolve(Date.now() > instant);
  const timeoutMs = Math.max(instant - Date.now(), 0) + 10_000;
  await awaitCondition(passed, { what: new Date(instant).toISOString(), timeoutMs });
}
