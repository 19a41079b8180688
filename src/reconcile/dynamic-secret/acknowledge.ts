import type { Target } from '../../api/lease.ts';
import type { DecisionInput } from '../../dynamic-secret/input.ts';
import { bring } from './bring.ts';
import type { DynamicSecretPass, StepResult } from './context.ts';
import { tellCreated } from './create.ts';
import { nothingAsked } from './intend.ts';
import { tellRenamed } from './update.ts';

/** Takes what was found by a name for ours: a request for it got no answer, or was sent by a process that has ended. */
export function acknowledge(pass: DynamicSecretPass, input: DecisionInput, target: Target): StepResult {
  const { intent, place } = input.object.status;
  const { sighting, sightingOfNewName } = pass.memory();
  const seen = [sighting, sightingOfNewName].find(
    (one) => one?.target.dynamicSecret === target.dynamicSecret,
  );
  bring(pass, input, { did: 'acknowledged', target });
  // The name is that of its place from now on.
  pass.remember({ sighting: seen, sightingOfNewName: undefined, ...nothingAsked });
  pass.log.info('What was asked for is there.', { asked: intent?.kind });
  if (intent?.kind === 'Create') tellCreated(pass, place !== undefined);
  else if (place !== undefined) tellRenamed(pass);
  return 'again';
}
