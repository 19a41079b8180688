import { describe, expect, test } from 'vitest';

import {
  connectionFinalizerOf,
  isConnectionFinalizer,
  shardLabels,
  shardOf,
  shardSelector,
} from '../../../src/api/shard.ts';
import { ownSecrets } from '../../../src/reconcile/secrets/watched.ts';

describe('a shard', () => {
  const rows: Record<string, readonly [shard: string | undefined, selector: string, finalizer: string]> = {
    none: [undefined, '!leaseholder.dev/shard', 'leaseholder.dev/connection'],
    b: ['b', 'leaseholder.dev/shard=b', 'leaseholder.dev/connection-b'],
  };

  test.each(Object.entries(rows))('%s selects by its label, and holds by its finalizer', (_name, row) => {
    const [shard, selector, finalizer] = row;
    expect(shardSelector(shard)).toBe(selector);
    expect(ownSecrets(shard)).toBe(`leaseholder.dev/managed=true,${selector}`);
    expect(connectionFinalizerOf(shard)).toBe(finalizer);
    expect(isConnectionFinalizer(finalizer)).toBe(true);
    expect(shardOf(shardLabels(shard))).toBe(shard);
  });

  test('is told by the label alone; an empty one is none of those that can be served', () => {
    expect(shardOf({ other: 'b' })).toBeUndefined();
    expect(shardOf({ 'leaseholder.dev/shard': '' })).toBe('');
  });

  test.each([
    'leaseholder.dev/lease',
    'leaseholder.dev/connections',
    'example.com/connection-b',
    'foreground',
  ])('does not hold connections by %s', (finalizer) => {
    expect(isConnectionFinalizer(finalizer)).toBe(false);
  });
});
