import type { DecisionInput } from '../../dynamic-secret/input.ts';
import { report } from '../../dynamic-secret/report.ts';
import type { Fault } from '../../errors.ts';
import { equal, mergePatch } from '../../kube/merge-patch.ts';
import type { DynamicSecretPass, StepResult } from './context.ts';
import { guarded } from './guarded.ts';
import type { Subject } from './subject.ts';

/**
 * Writes the status that is true now, if it says anything new: one merge patch of what changed, guarded by the object's
 * version.
 *
 * @returns `rest` when there was nothing to write.
 */
export async function writeStatus(
  pass: DynamicSecretPass,
  { stored }: Subject,
  input: DecisionInput,
  refusal: Fault | undefined,
): Promise<StepResult> {
  const status = report({ ...input, memory: pass.memory() }, refusal);
  if (equal(stored.status, status)) {
    pass.remember({ unwritten: {} });
    return 'rest';
  }
  return guarded(pass, input, 'write the status', async () => {
    await pass.cluster.dynamicSecrets.patchStatus(pass.key, {
      metadata: { resourceVersion: stored.resourceVersion },
      status: mergePatch(stored.status, status),
    });
    pass.remember({ unwritten: {} });
    tell(pass, stored.status, status);
  });
}

/** A removal that has failed is told once, when it begins to fail. */
function tell(
  { events, subject }: DynamicSecretPass,
  before: Subject['stored']['status'],
  now: Subject['stored']['status'],
): void {
  const why = removalFailure(now);
  if (why !== undefined && removalFailure(before) === undefined) events.warn(subject, 'RemovalFailed', why);
}

function removalFailure({ conditions = [] }: Subject['stored']['status']): string | undefined {
  return conditions.find(({ reason }) => reason === 'RemovalFailed')?.message;
}
