import type { Fault } from '../../errors.ts';
import { equal, mergePatch } from '../../kube/merge-patch.ts';
import type { DecisionInput } from '../../lease/input.ts';
import { report, withoutEnded } from '../../lease/report.ts';
import type { LeaseRecord } from '../ports.ts';
import type { LeasePass, StepResult } from './context.ts';
import { guarded } from './object.ts';

/**
 * Writes the status that is true now, if it says anything new: one merge patch of what changed, guarded by the
 * object's version. Replaced leases that have ended leave with it, but are no reason to write.
 *
 * @returns `rest` when there was nothing to write.
 */
export async function writeStatus(
  pass: LeasePass,
  object: LeaseRecord,
  input: DecisionInput,
  refusal: Fault | undefined,
): Promise<StepResult> {
  const status = report(input, object, refusal);
  if (equal(object.status, status)) return 'rest';
  const patch = mergePatch(object.status, withoutEnded(status, input));
  return guarded(pass, 'write the status', () =>
    pass.cluster.leases.patchStatus(pass.key, {
      metadata: { resourceVersion: object.resourceVersion },
      status: patch,
    }),
  );
}
