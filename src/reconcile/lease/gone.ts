import type { LeaseRef } from '../../api/lease.ts';
import type { ListTime } from '../../lease/inventory.ts';
import type { LeaseClient } from '../../infisical/client.ts';
import type { LeasePass } from './context.ts';

/** Remembers that a lease is revoked or gone: nothing is to be done for it any more. */
export function endLease(pass: LeasePass, id: string): void {
  const memory = pass.memory();
  pass.remember({
    settled: new Set(memory.settled).add(id),
    discarded: memory.discarded.filter((one) => one.id !== id),
    inHand: memory.inHand?.ref.id === id ? undefined : memory.inHand,
    revocations: without(memory.revocations, id),
    absentSince: without(memory.absentSince, id),
    failures: memory.failures?.fault.code === 'RevocationFailed' ? undefined : memory.failures,
  });
}

/** When a lease was made, as far as memory or the status knows. */
export function createdAtOf(pass: LeasePass, { id }: Pick<LeaseRef, 'id'>): string | undefined {
  const { known, sighted } = pass.memory();
  const reported = pass.cluster.leases.get(pass.key)?.status.lease;
  const written = reported?.id === id ? reported.createdAt : undefined;
  return known.get(id)?.lease.createdAt ?? sighted.get(id)?.createdAt ?? written;
}

/** The moment at which a list was asked for, once its answer is there: the first answer also tells the server's time. */
export function listTime(pass: Pick<LeasePass, 'clock'>, client: LeaseClient, askedAt: number): ListTime {
  const now = client.now();
  const server = now === undefined ? undefined : now - (pass.clock.elapsed() - askedAt);
  return { elapsed: askedAt, server };
}

function without<Value>(map: ReadonlyMap<string, Value>, id: string): ReadonlyMap<string, Value> {
  if (!map.has(id)) return map;
  const rest = new Map(map);
  rest.delete(id);
  return rest;
}
