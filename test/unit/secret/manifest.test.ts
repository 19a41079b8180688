import { describe, expect, test } from 'vitest';

import { MANAGED_LABEL, RECORD_ANNOTATION } from '../../../src/api/names.ts';
import { SHARD_LABEL } from '../../../src/api/shard.ts';
import { formatRecord } from '../../../src/api/record.ts';
import {
  changedSecret,
  dressedRecord,
  dressing,
  isDressed,
  newSecret,
  releasedSecret,
  type Dress,
  type ExistingMetadata,
  type PatchOperation,
} from '../../../src/secret/manifest.ts';
import { aRecord } from '../../support/builders.ts';

const plain: Dress = { labels: {}, annotations: {} };
const record = aRecord();
const text = formatRecord(record);
const content = { data: new Map([['DB_PASSWORD', 'pässword']]), record };
const owner = { name: 'orders-db', namespace: 'shop', uid: 'object-uid' };

function existing(overrides: Partial<ExistingMetadata> = {}): ExistingMetadata {
  return {
    resourceVersion: '7',
    labels: { [MANAGED_LABEL]: 'true' },
    annotations: { [RECORD_ANNOTATION]: text },
    ...overrides,
  };
}

const guard: PatchOperation = { op: 'replace', path: '/metadata/resourceVersion', value: '7' };

/** What a patch makes of a map, as the API server would apply it. */
function applied(
  map: Readonly<Record<string, string>>,
  path: string,
  operations: readonly PatchOperation[],
): Record<string, unknown> {
  const result = new Map<string, unknown>(Object.entries(map));
  for (const one of operations) {
    if (one.path === path) return { ...(one.value as Record<string, unknown>) };
    if (!one.path.startsWith(`${path}/`)) continue;
    const key = one.path
      .slice(path.length + 1)
      .replaceAll('~1', '/')
      .replaceAll('~0', '~');
    if (one.op === 'remove') result.delete(key);
    else result.set(key, one.value);
  }
  return Object.fromEntries(result);
}

describe('a new Secret', () => {
  test('carries data, label, record and an owner that does not block its deletion', () => {
    expect(newSecret({ name: 'orders-db', type: 'Opaque' }, owner, plain, content)).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: {
        name: 'orders-db',
        namespace: 'shop',
        labels: { 'leaseholder.dev/managed': 'true' },
        annotations: { 'leaseholder.dev/lease': text },
        ownerReferences: [
          {
            apiVersion: 'leaseholder.dev/v1alpha1',
            kind: 'DynamicSecretLease',
            name: 'orders-db',
            uid: 'object-uid',
            controller: true,
          },
        ],
      },
      data: { DB_PASSWORD: Buffer.from('pässword').toString('base64') },
    });
  });

  test('carries the labels and annotations of the spec', () => {
    const dress = { labels: { team: 'a' }, annotations: { 'example.com/note': 'b' } };
    expect(newSecret({ name: 'orders-db', type: 'Opaque' }, owner, dress, content)).toMatchObject({
      metadata: {
        labels: { team: 'a', [MANAGED_LABEL]: 'true' },
        annotations: { 'example.com/note': 'b', [RECORD_ANNOTATION]: text },
      },
    });
  });

  test('carries the label of its shard', () => {
    const dress = { ...plain, labels: { [SHARD_LABEL]: 'theirs' }, shard: 'b' };
    expect(newSecret({ name: 'orders-db', type: 'Opaque' }, owner, dress, content)).toMatchObject({
      metadata: { labels: { [MANAGED_LABEL]: 'true', [SHARD_LABEL]: 'b' } },
    });
  });

  test('keeps its own label and record, whatever the spec asks for', () => {
    const dress = { labels: { [MANAGED_LABEL]: 'false' }, annotations: { [RECORD_ANNOTATION]: '{}' } };
    expect(newSecret({ name: 'orders-db', type: 'Opaque' }, owner, dress, content)).toMatchObject({
      metadata: { labels: { [MANAGED_LABEL]: 'true' }, annotations: { [RECORD_ANNOTATION]: text } },
    });
  });

  test('carries a key that JavaScript gives another meaning', () => {
    const data = new Map([['__proto__', 'a']]);
    const sent = JSON.stringify(
      newSecret({ name: 'orders-db', type: 'Opaque' }, owner, plain, { data, record }),
    );
    expect(sent).toContain('"data":{"__proto__":"YQ=="}');
  });
});

describe('a changed Secret', () => {
  test('is guarded by its version, and gets the whole of its data', () => {
    const operations = changedSecret(
      existing({ annotations: { [RECORD_ANNOTATION]: '{}' } }),
      undefined,
      plain,
      content,
    );
    expect(operations).toEqual([
      guard,
      { op: 'add', path: '/metadata/annotations/leaseholder.dev~1lease', value: text },
      { op: 'add', path: '/data', value: { DB_PASSWORD: Buffer.from('pässword').toString('base64') } },
    ]);
  });

  test('is dressed in the same write', () => {
    const operations = changedSecret(existing(), undefined, { ...plain, labels: { team: 'a' } }, content);
    expect(operations).toContainEqual({ op: 'add', path: '/metadata/labels/team', value: 'a' });
  });
});

describe('the labels and annotations of a Secret', () => {
  const cases: Record<
    string,
    { before: Partial<ExistingMetadata>; dress: Partial<Dress>; operations: PatchOperation[] }
  > = {
    'are left alone when they are what they should be': { before: {}, dress: {}, operations: [] },
    'are added one by one': {
      before: {},
      dress: { labels: { team: 'a' }, annotations: { note: 'b' } },
      operations: [
        { op: 'add', path: '/metadata/labels/team', value: 'a' },
        { op: 'add', path: '/metadata/annotations/note', value: 'b' },
      ],
    },
    'are changed one by one': {
      before: { labels: { team: 'a', [MANAGED_LABEL]: 'true' } },
      dress: { labels: { team: 'b' } },
      operations: [{ op: 'add', path: '/metadata/labels/team', value: 'b' }],
    },
    'are made as a whole where there are none': {
      before: { labels: {}, annotations: {} },
      dress: { labels: { team: 'a' } },
      operations: [
        { op: 'add', path: '/metadata/labels', value: { team: 'a', [MANAGED_LABEL]: 'true' } },
        { op: 'add', path: '/metadata/annotations', value: { [RECORD_ANNOTATION]: text } },
      ],
    },
    'of others stay': {
      before: { labels: { theirs: 'x', [MANAGED_LABEL]: 'true' } },
      dress: {},
      operations: [],
    },
    'get our label back when somebody changed it': {
      before: { labels: { [MANAGED_LABEL]: 'no' } },
      dress: {},
      operations: [{ op: 'add', path: '/metadata/labels/leaseholder.dev~1managed', value: 'true' }],
    },
    'get the label of their shard': {
      before: {},
      dress: { shard: 'b' },
      operations: [{ op: 'add', path: '/metadata/labels/leaseholder.dev~1shard', value: 'b' }],
    },
    'get the label of another shard': {
      before: { labels: { [MANAGED_LABEL]: 'true', [SHARD_LABEL]: 'a' } },
      dress: { shard: 'b' },
      operations: [{ op: 'add', path: '/metadata/labels/leaseholder.dev~1shard', value: 'b' }],
    },
    'lose the label of the shard that they come from': {
      before: { labels: { [MANAGED_LABEL]: 'true', [SHARD_LABEL]: 'a' } },
      dress: {},
      operations: [{ op: 'remove', path: '/metadata/labels/leaseholder.dev~1shard' }],
    },
    'have the shard of the object, whatever the spec asks for': {
      before: {},
      dress: { labels: { [SHARD_LABEL]: 'theirs' }, shard: 'b' },
      operations: [{ op: 'add', path: '/metadata/labels/leaseholder.dev~1shard', value: 'b' }],
    },
    'are escaped after the rules of JSON Pointer': {
      before: {},
      dress: { labels: { 'a~b/c~d': 'x' } },
      operations: [{ op: 'add', path: '/metadata/labels/a~0b~1c~0d', value: 'x' }],
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { before, dress, operations }) => {
    expect(dressing(existing(before), undefined, { ...plain, ...dress }, record)).toEqual([
      guard,
      ...operations,
    ]);
  });

  describe('that the spec asked for and asks for no more', () => {
    const earlier = aRecord({ labels: ['team', 'gone', 'constructor'], annotations: ['example.com/note'] });
    const before = existing({
      labels: { team: 'a', constructor: 'b', theirs: 'x', [MANAGED_LABEL]: 'true' },
      annotations: { 'example.com/note': 'b', theirs: 'y', [RECORD_ANNOTATION]: text },
    });

    test('are removed, where they are still there', () => {
      expect(dressing(before, earlier, plain, record)).toEqual([
        guard,
        { op: 'remove', path: '/metadata/labels/team' },
        { op: 'remove', path: '/metadata/labels/constructor' },
        { op: 'remove', path: '/metadata/annotations/example.com~1note' },
      ]);
    });

    test('leave those of others behind', () => {
      const operations = dressing(before, earlier, plain, record);
      expect(applied(before.labels, '/metadata/labels', operations)).toEqual({
        theirs: 'x',
        [MANAGED_LABEL]: 'true',
      });
      expect(applied(before.annotations, '/metadata/annotations', operations)).toEqual({
        theirs: 'y',
        [RECORD_ANNOTATION]: text,
      });
    });

    test('stay where the spec still asks for them', () => {
      const dress = { labels: { team: 'a', constructor: 'b' }, annotations: { 'example.com/note': 'b' } };
      expect(dressing(before, earlier, dress, record)).toEqual([guard]);
    });

    test('are never our own label and record, whatever a tenant made of the list', () => {
      const forged = aRecord({ labels: [MANAGED_LABEL], annotations: [RECORD_ANNOTATION] });
      expect(dressing(before, forged, plain, record)).toEqual([guard]);
    });
  });
});

describe('the record of a write', () => {
  test('names the keys that the spec asked for', () => {
    const dress = { labels: { team: 'a' }, annotations: { note: 'b', other: 'c' } };
    expect(dressedRecord(record, dress)).toEqual({
      ...record,
      labels: ['team'],
      annotations: ['note', 'other'],
    });
  });

  test('names none where there are none', () => {
    expect(dressedRecord(record, plain)).toStrictEqual(record);
  });
});

describe('a Secret is dressed', () => {
  const dress = { labels: { team: 'a' }, annotations: { note: 'b' } };
  const worn = existing({
    labels: { team: 'a', theirs: 'x', [MANAGED_LABEL]: 'true' },
    annotations: { note: 'b', theirs: 'y', [RECORD_ANNOTATION]: text },
  });
  const asked = dressedRecord(record, dress);

  test('when it carries what the spec asks for, whatever others added', () => {
    expect(isDressed(worn, asked, dress)).toBe(true);
  });

  test('also without a record', () => {
    expect(isDressed(worn, undefined, dress)).toBe(true);
  });

  const bare: Record<string, { there?: Partial<ExistingMetadata>; dress?: Partial<Dress> }> = {
    'when a label is missing': { there: { labels: { [MANAGED_LABEL]: 'true' } } },
    'when a label has another value': { there: { labels: { team: 'b', [MANAGED_LABEL]: 'true' } } },
    'when an annotation is missing': { there: { annotations: {} } },
    'when our own label is missing': { there: { labels: { team: 'a' } } },
    'when our own label has another value': { there: { labels: { team: 'a', [MANAGED_LABEL]: 'no' } } },
    'when it carries a label that the spec dropped': { dress: { labels: {} } },
    'when it carries an annotation that the spec dropped': { dress: { annotations: {} } },
  };

  test.each(Object.entries(bare))('but not %s', (_sentence, { there, dress: change }) => {
    expect(isDressed({ ...worn, ...there }, asked, { ...dress, ...change })).toBe(false);
  });

  test('but not when it carries a dropped label that JavaScript gives another meaning', () => {
    const odd = existing({ labels: { constructor: 'a', [MANAGED_LABEL]: 'true' } });
    expect(isDressed(odd, aRecord({ labels: ['constructor'] }), plain)).toBe(false);
  });

  test('when a dropped label is gone already', () => {
    expect(isDressed(existing(), aRecord({ labels: ['team', 'constructor'] }), plain)).toBe(true);
  });

  test('after it was dressed', () => {
    const before = existing({ labels: {}, annotations: { 'dropped~/x': 'x' } });
    const earlier = aRecord({ annotations: ['dropped~/x'] });
    const next = dressedRecord(record, dress);
    const operations = dressing(before, earlier, dress, next);
    const after = {
      resourceVersion: '8',
      labels: applied(before.labels, '/metadata/labels', operations) as Record<string, string>,
      annotations: applied(before.annotations, '/metadata/annotations', operations) as Record<string, string>,
    };
    expect(after.annotations).not.toHaveProperty('dropped~/x');
    expect(isDressed(after, next, dress)).toBe(true);
  });
});

describe('a Secret of a shard', () => {
  const [none, a] = [{ [MANAGED_LABEL]: 'true' }, { [MANAGED_LABEL]: 'true', [SHARD_LABEL]: 'a' }];

  test.each([
    ['none', none, undefined, true],
    ['a', a, 'a', true],
    ['a', a, 'b', false],
    ['a', a, undefined, false],
    ['none', none, 'a', false],
  ] as const)('of %s, with %j, is dressed for %s: %s', (_from, labels, shard, is) => {
    expect(isDressed(existing({ labels }), record, { ...plain, shard })).toBe(is);
  });

  test('is released without it', () => {
    const owned = { ...existing({ labels: a }), owners: [], controller: undefined };
    expect(releasedSecret(owned, 'object-uid')).toContainEqual({
      op: 'remove',
      path: '/metadata/labels/leaseholder.dev~1shard',
    });
  });
});
