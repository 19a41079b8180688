import type { DecisionInput } from './input.ts';
import type { Plan } from './plan.ts';
import { policies, preconditions } from './policies.ts';
import { decideRemoval } from './removal.ts';
import { declaredTarget, placeTarget } from './targets.ts';
import type { Case, Verdict } from './verdict.ts';

/**
 * What to do next for one DynamicSecret. Pure and total: the same input gives the same plan, however it came about.
 *
 * | Situation, checked in this order | Step |
 * | --- | --- |
 * | being deleted | see {@link decideRemoval} |
 * | no finalizer | claim, before it can exist through us |
 * | spec, connection or a Secret of the inputs not in order | refuse with a reason; keep what is there |
 * | the connection leads to another server than it is on | refuse |
 * | backoff not over | wait |
 * | an answer was lost | look |
 * | intent Create: nothing there | create; for a name that the spec has given up: take that back, once settled |
 * | intent Create: something there | acknowledge it; take the intent back where it is surely not of our requests |
 * | intent Rename: only the new name there | acknowledge it |
 * | intent Rename: only the old name there | update (renamed); for a name given up: take that back, once settled |
 * | intent Rename: both there | take the intent back: another has the name |
 * | intent Rename: neither there, twice | as where nothing is known |
 * | place unknown: nothing there | intend Create |
 * | place unknown: ours by its mark | acknowledge |
 * | place unknown: another object's by its mark | refuse (DynamicSecretOwned) |
 * | place unknown: something there | refuse (DynamicSecretExists), or update (adopted) with all that is declared |
 * | no recent look | look |
 * | gone, and listed by another name | acknowledge that name |
 * | gone, twice | as where nothing is known: create it again |
 * | no recent list | list |
 * | another has its name: another mark, another id | refuse, or update (adopted) |
 * | name differs from the spec | look at the new name; intend Rename, or refuse |
 * | something differs from what the server was told | update (declared, source) |
 * | something differs from what the server shows | update (drift); the same not again for an hour |
 * | otherwise | wait for the next look or list |
 *
 * Whatever is lost on the way, a request or its answer or the process: the status holds the intent before the request
 * is sent, and a look tells what has become of it.
 */
export function decide(input: DecisionInput): Plan {
  if (input.object.deletedAt !== undefined) return decideRemoval(input);
  for (const { name, judge } of preconditions) {
    const verdict = judge(input);
    if (verdict !== undefined) return planOf(name, verdict);
  }
  const situation = caseOf(input);
  for (const { name, judge } of policies) {
    const verdict = judge(situation);
    if (verdict !== undefined) return planOf(name, verdict);
  }
  throw new RangeError('The last policy decides every case.');
}

function planOf(policy: string, { step, again }: Verdict): Plan {
  return { policy, step, again };
}

function caseOf(input: DecisionInput): Case {
  const { object, connection, sources } = input;
  const { spec } = object;
  if (!spec.valid || connection.state !== 'usable' || sources.state !== 'known')
    throw new RangeError('The preconditions refuse what is not in order.');
  return {
    input,
    object,
    spec: spec.value,
    sources: sources.sources,
    identity: connection.identity,
    declared: declaredTarget(spec.value),
    place: object.status.place && placeTarget(object.status.place),
  };
}
