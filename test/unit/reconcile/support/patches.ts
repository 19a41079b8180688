import { KubeError } from '../../../../src/kube/kube-error.ts';
import type { PatchOperation } from '../../../../src/secret/manifest.ts';

type Members = Readonly<Record<string, unknown>>;

/** An object after a JSON merge patch (RFC 7386). */
export function afterMergePatch(before: Members, patch: unknown): Members {
  if (!isMembers(patch)) throw unprocessable();
  const after = new Map(Object.entries(before));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) after.delete(key);
    else after.set(key, isMembers(value) ? afterMergePatch(asMembers(before[key]), value) : value);
  }
  return Object.fromEntries(after);
}

/** An object after one operation of a JSON Patch (RFC 6902) whose path names members of objects, and items of lists at its end. */
export function afterOperation(before: Members, operation: PatchOperation): Members {
  const tokens = operation.path.slice(1).split('/');
  const keys = tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  return changed(before, keys, operation);
}

function changed(node: unknown, [key = '', ...rest]: readonly string[], operation: PatchOperation): Members {
  if (!isMembers(node)) throw unprocessable();
  const [item, ...deeper] = rest;
  const list = node[key];
  if (Array.isArray(list) && item !== undefined && deeper.length === 0)
    return { ...node, [key]: changedList(list, item, operation) };
  if (rest.length > 0) return { ...node, [key]: changed(list, rest, operation) };
  if (operation.op !== 'add' && !Object.hasOwn(node, key)) throw unprocessable();
  const others = Object.entries(node).filter(([name]) => name !== key);
  return Object.fromEntries(operation.op === 'remove' ? others : [...others, [key, operation.value]]);
}

function changedList(list: readonly unknown[], item: string, operation: PatchOperation): readonly unknown[] {
  if (operation.op === 'add' && item === '-') return [...list, operation.value];
  const index = Number(item);
  if (operation.op !== 'remove' || !(index < list.length)) throw unprocessable();
  return list.toSpliced(index, 1);
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asMembers(value: unknown): Members {
  return isMembers(value) ? value : {};
}

/** A patch that does not fit the object. */
function unprocessable(): KubeError {
  return new KubeError('patch', { status: 422, reason: 'Invalid' });
}
