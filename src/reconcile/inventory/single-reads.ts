import type { Link } from '../connection/link.ts';
import { faultOf } from '../lease/failure.ts';
import type { Group } from './groups.ts';
import { holdingsOf } from './holding.ts';
import { mirror, mirrorDynamicSecret } from './mirror.ts';
import { lookAtDue, type VisitParts } from './visit.ts';

/** How many leases are read in one go. */
const BATCH = 20;

/** One round of single reads of a group: which objects are still to be asked about, and how long to wait between two goes. */
export interface ReadRound {
  readonly left: readonly string[];
  readonly wait: number;
}

/** Begins a round that is spread over the interval. */
export function beginReads(group: Group, interval: number): ReadRound {
  const left = [...group.objects];
  return { left, wait: interval / (Math.ceil(left.length / BATCH) + 1) };
}

/**
 * Where listing is forbidden: reads the leases in use one by one, to show what the server says of them. Nothing is ever
 * concluded from a lease that is not found.
 *
 * @returns the rest of the round; undefined when it is over.
 */
export async function readSome(
  parts: VisitParts,
  group: Group,
  link: Link,
  { left, wait }: ReadRound,
): Promise<ReadRound | undefined> {
  const now = new Set(left.slice(0, BATCH));
  for (const holding of holdingsOf(parts, group)) {
    const { current, pass } = holding;
    if (current === undefined || !now.has(pass.key) || pass.memory().settled.has(current.id)) continue;
    try {
      const { lease, dynamicSecret } = await link.client.getLease(current.id, group.target);
      const { news } = mirror(holding, new Map([[lease.id, { state: 'present', lease }]]));
      const changed = dynamicSecret !== undefined && mirrorDynamicSecret(holding, dynamicSecret);
      if (news || changed) parts.enqueue(pass.key);
    } catch (error) {
      pass.log.debug('A lease could not be read.', { reason: faultOf(error, 'read a lease').code });
    }
  }
  lookAtDue(parts, holdingsOf(parts, group), link.client.now());
  const rest = left.slice(BATCH);
  return rest.length === 0 ? undefined : { left: rest, wait };
}
