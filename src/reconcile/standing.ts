import type { ConnectionRecord, DynamicSecretRecord, LeaseRecord } from './ports.ts';

type Counts = Readonly<Record<'ready' | 'unready' | 'deleting', number>>;

/** Counts objects by how they stand, one change at a time. */
export function standings<Record extends LeaseRecord | DynamicSecretRecord | ConnectionRecord>(
  tell: (counts: Counts) => void,
): (before: Record | undefined, after: Record | undefined) => void {
  const counts = { ready: 0, unready: 0, deleting: 0 };
  return (before, after) => {
    if (before !== undefined) counts[standing(before)] -= 1;
    if (after !== undefined) counts[standing(after)] += 1;
    tell(counts);
  };
}

function standing({ deletedAt, status }: LeaseRecord | DynamicSecretRecord | ConnectionRecord): keyof Counts {
  if (deletedAt !== undefined) return 'deleting';
  const ready = status.conditions?.find((condition) => condition.type === 'Ready');
  return ready?.status === 'True' ? 'ready' : 'unready';
}
