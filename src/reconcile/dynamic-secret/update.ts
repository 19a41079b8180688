import type { DecisionInput } from '../../dynamic-secret/input.ts';
import type { Change, Step } from '../../dynamic-secret/plan.ts';
import type { DynamicSecretChange } from '../../infisical/dynamic-secrets.ts';
import { failed } from './asked.ts';
import { bring } from './bring.ts';
import type { DynamicSecretPass, StepResult } from './context.ts';
import { fail, faultOf } from './failure.ts';
import { readInputs, type ReadInputs } from './inputs.ts';
import { nothingAsked } from './intend.ts';
import { see } from './look.ts';
import { noteSent } from './sources.ts';
import { clientFor } from './way.ts';

type Update = Step & { readonly do: 'update' };

/** Changes what differs, and nothing else. Sent twice it is as sent once, so that after a lost answer it is sent again. */
export async function update(
  pass: DynamicSecretPass,
  input: DecisionInput,
  step: Update,
): Promise<StepResult> {
  const { spec } = input.object;
  if (!spec.valid) return 'again';
  const { target, change } = step;
  let read: ReadInputs;
  try {
    read = await readInputs(pass, spec.value, change.inputs);
  } catch (error) {
    fail(pass, input, faultOf(error, 'read a Secret'));
    return 'again';
  }
  const client = clientFor(pass);
  if (client === undefined) return 'again';
  try {
    const dynamicSecret = await client.updateDynamicSecret(target, changeOf(change, read));
    bring(pass, input, { did: 'updated', target, change, dynamicSecret, sources: read.sources });
  } catch (error) {
    failed(pass, input, error, 'change the dynamic secret');
    return 'again';
  }
  succeed(pass, input, step);
  noteSent(pass, read.sources);
  tell(pass, step.why);
  return 'again';
}

/** As the API takes it: without inputs where none is to be sent. */
function changeOf({ inputs: names, ...others }: Change, { inputs }: ReadInputs): DynamicSecretChange {
  return names.length === 0 ? others : { ...others, inputs };
}

function succeed(pass: DynamicSecretPass, input: DecisionInput, { target, change, why }: Update): void {
  const at = pass.clock.elapsed();
  const { sighting } = pass.memory();
  const { newName } = change;
  pass.remember({ listing: undefined, changedAt: at });
  if (why === 'drift') pass.remember({ corrected: { change, at } });
  if (newName === undefined) {
    see(pass, input, { target, existence: 'present', leases: sighting?.leases ?? [], at, took: 0 });
    return;
  }
  const renamed = { ...target, dynamicSecret: newName };
  const seen = {
    target: renamed,
    existence: 'present',
    leases: sighting?.leases ?? [],
    at,
    took: 0,
    since: at,
  } as const;
  pass.remember({
    sighting: seen,
    sightingOfNewName: undefined,
    tried: true,
    doubtful: false,
    ...nothingAsked,
  });
}

/** What a person should notice: not that a declaration was followed. */
function tell(pass: DynamicSecretPass, why: Update['why']): void {
  const { metrics, events, log, subject } = pass;
  log.info('The dynamic secret was changed.', { why });
  switch (why) {
    case 'declared':
    case 'source':
      metrics.dynamicSecretChanged('updated');
      return;
    case 'drift':
      metrics.dynamicSecretChanged('updated');
      events.warn(
        subject,
        'DynamicSecretDrifted',
        'The dynamic secret was changed on the server by somebody else; it is as declared again.',
      );
      return;
    case 'adopted':
      metrics.dynamicSecretChanged('adopted');
      events.note(
        subject,
        'DynamicSecretAdopted',
        'The server had a dynamic secret of that name; it was taken over, as declared here (spec.adoption).',
      );
      return;
    case 'renamed':
      tellRenamed(pass);
  }
}

/** It bears its new name. */
export function tellRenamed({ metrics, events, subject }: DynamicSecretPass): void {
  metrics.dynamicSecretChanged('renamed');
  events.note(
    subject,
    'DynamicSecretRenamed',
    'The dynamic secret was renamed on the server; its leases go on.',
  );
}
