import type { LeaseRef } from '../../api/lease.ts';
import type { Accounts } from '../../lease/sweep.ts';
import { recordOf } from '../../secret/ownership.ts';
import { secretKeyOf, type LeaseParts } from '../lease/context.ts';
import type { LeaseRecord, SecretRecord } from '../ports.ts';

/** What an object accounts for, as far as this process sees it without asking. */
export function accountsOf(parts: LeaseParts, key: string, uid: string): Accounts {
  const seen = parts.cluster.leases.get(key);
  const object = seen?.uid === uid ? seen : undefined;
  const secret = object === undefined ? undefined : parts.cluster.secrets.get(secretKeyOf(object));
  const memory = accountsOfMemory(parts, uid);
  return {
    ids: new Set([...memory.ids, ...idsOfObject(object), ...idsOfSecret(secret)]),
    attempts: memory.attempts,
  };
}

/**
 * What memory accounts for. The leases that were issued to this process are not among it: one whose delivery was given
 * up is known, too, and it is what the sweep is for.
 */
export function accountsOfMemory({ memories }: LeaseParts, uid: string): Accounts {
  const { inHand, open, discarded, settled } = memories.of(uid);
  const refs: readonly LeaseRef[] = [...discarded, ...(inHand === undefined ? [] : [inHand.ref])];
  return {
    ids: new Set([...refs.map(({ id }) => id), ...settled, ...(memories.former(uid)?.left ?? [])]),
    attempts: new Set([...refs.map(({ attempt }) => attempt), ...(open === undefined ? [] : [open.attempt])]),
  };
}

export function idsOfObject(object: Pick<LeaseRecord, 'status'> | undefined): readonly string[] {
  const { lease, retiring = [] } = object?.status ?? {};
  return [...(lease === undefined ? [] : [lease.id]), ...retiring.map(({ id }) => id)];
}

export function idsOfSecret(secret: SecretRecord | undefined): readonly string[] {
  const record = secret === undefined ? undefined : recordOf(secret);
  return record === undefined ? [] : [record.lease.id, ...record.previous.map(({ id }) => id)];
}
