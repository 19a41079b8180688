import type { Target } from '../../api/lease.ts';
import type { DecisionInput, Memory, Sighting } from '../../dynamic-secret/input.ts';
import { RequestError } from '../../infisical/request-error.ts';
import type { DynamicSecretPass, StepResult } from './context.ts';
import { fail, faultOf } from './failure.ts';
import { clientFor } from './way.ts';

/**
 * Lists the leases of a name: whether there is a dynamic secret of that name, and what lives there. No other call tells
 * that to every identity, and the one that reads a dynamic secret answers with the provider's credentials.
 */
export async function look(
  pass: DynamicSecretPass,
  input: DecisionInput,
  target: Target,
): Promise<StepResult> {
  const client = clientFor(pass);
  if (client === undefined) return 'again';
  // What was shown before the answer is what was there when it was asked for.
  const at = pass.clock.elapsed();
  const took = (): number => pass.clock.elapsed() - at;
  try {
    const leases = await client.listLeases(target);
    see(pass, input, { target, existence: 'present', leases: leases.map(({ id }) => id), at, took: took() });
  } catch (error) {
    if (error instanceof RequestError && error.notFound === 'target') {
      see(pass, input, { target, existence: 'absent', leases: [], at, took: took() });
    } else fail(pass, input, faultOf(error, 'list the leases'));
  }
  return 'again';
}

/** Takes what was seen of a name. */
export function see(pass: DynamicSecretPass, input: DecisionInput, seen: Omit<Sighting, 'since'>): void {
  const slot = slotOf(input, seen.target);
  const other = slot === 'sighting' ? 'sightingOfNewName' : 'sighting';
  const { [slot]: known, [other]: elsewhere } = pass.memory();
  // The spec may have named it when it was seen before, and name another one now.
  const isMoved = elsewhere !== undefined && sameTarget(elsewhere.target, seen.target);
  const before = isMoved ? elsewhere : known;
  const isSame = before?.existence === seen.existence && sameTarget(before.target, seen.target);
  const since = isSame ? before.since : seen.at;
  pass.remember({
    tried: true,
    doubtful: false,
    [slot]: { ...seen, since },
    ...(isMoved ? { [other]: undefined } : {}),
  });
}

/** The one for the name that the dynamic secret has, or is to have, and the one for any other. */
function slotOf(
  { object: { status, spec } }: DecisionInput,
  { dynamicSecret }: Target,
): 'sighting' | 'sightingOfNewName' {
  const name = status.place?.name ?? (spec.valid ? spec.value.name : dynamicSecret);
  return name === dynamicSecret ? 'sighting' : 'sightingOfNewName';
}

function sameTarget(one: Target, other: Target): boolean {
  return (
    one.projectSlug === other.projectSlug &&
    one.environmentSlug === other.environmentSlug &&
    one.path === other.path &&
    one.dynamicSecret === other.dynamicSecret
  );
}

/** What was seen before a change that may not have succeeded says nothing any more. */
export const unseen: Pick<Memory, 'sighting' | 'sightingOfNewName' | 'listing'> = {
  sighting: undefined,
  sightingOfNewName: undefined,
  listing: undefined,
};
