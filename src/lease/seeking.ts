import { ownFailures } from './holding.ts';
import type { DecisionInput, ObjectView } from './input.ts';
import { at, secretNameOf, type Verdict } from './verdict.ts';

/**
 * A Secret that the status names and no watch shows may only be without our labels, or have those of the shard that it
 * comes from: one look, before anything is concluded. One that this process has written was in its view, and is looked at
 * when a lease would be spent on it.
 */
export function seekFirst(input: DecisionInput, object: ObjectView): Verdict | undefined {
  const { secret, memory, now } = input;
  const written = object.status.secret;
  if (secret.state !== 'absent' || written?.name !== secretNameOf(object)) return undefined;
  if (memory.sought || memory.written?.uid === written.uid) return undefined;
  const failures = ownFailures(input, object);
  // A look that failed waits; what is wrong with a server of leases is no reason to.
  const due = failures?.fault.code === 'KubernetesUnavailable' ? failures.nextAt : now.elapsed;
  return at(due, now.elapsed, { do: 'seek' });
}
