import { isOnTarget } from './current.ts';
import { onceUsed } from './drift.ts';
import { wantsRenewal } from './lifetime.ts';
import { renewalObstacle } from './renewal.ts';
import { isDue, lease, mayRevoke, type Case, type Verdict } from './verdict.ts';

/** A lease of something else than the spec targets now is replaced at once. */
export function judgeTarget(situation: Case): Verdict | undefined {
  const { input, object, current } = situation;
  const { connection, target } = input;
  if (current.state !== 'trusted' || target.state === 'refused' || connection.state !== 'usable')
    return undefined;
  const sought = { wanted: target.wanted, host: connection.identity.host };
  if (isOnTarget(input, object, current.ref, sought)) return undefined;
  return lease(situation, 'target-changed', { replaced: mayRevoke(current), look: true });
}

/** A Secret that is to look other than it does needs credentials anew: the server shows those of a lease once. */
export function judgeShape(situation: Case): Verdict | undefined {
  const { input, current } = situation;
  if (current.state !== 'trusted' || current.record.shape === input.shape.mark) return undefined;
  return lease(situation, 'shape-changed', { replaced: mayRevoke(current), look: true });
}

/** Somebody has given the object another value of the rotate annotation than the one that the last lease answered. */
export function judgeAsked(situation: Case): Verdict | undefined {
  const { object, current } = situation;
  if (current.state !== 'trusted' || object.rotate === undefined) return undefined;
  if (current.record.rotate === object.rotate) return undefined;
  return lease(situation, 'asked', { replaced: mayRevoke(current), look: true });
}

/** Inside the effective `before`: lengthened, where that is asked for and useful, else replaced. */
export function judgeDue(situation: Case): Verdict | undefined {
  const { input, object, current } = situation;
  if (current.state !== 'trusted' || !isDue(input, object, current.ref)) return undefined;
  // A lease of a process before this one, and all that is known of its object, may come from a stale list.
  const look = !input.memory.known.has(current.ref.id);
  const renews = wantsRenewal(object) && renewalObstacle(input, object, current) === undefined;
  return onceUsed(
    situation,
    current.ref,
    renews
      ? { step: { do: 'renew', ref: current.ref } }
      : lease(situation, 'due', { replaced: mayRevoke(current), look }),
  );
}
