import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { structural, type JsonObject } from '../../../src/api/crd.ts';
import { leaseSpec } from '../../../src/api/dynamic-secret-lease.ts';
import { asObject } from '../../support/structural.ts';

const page = path.join(import.meta.dirname, '..', '..', '..', 'docs', 'spec-changes.md');

/**
 * The fields of a spec as the page names them: `ttl`, `rotation.before`. What is below them, as the kind of a workload in
 * `restart`, acts together.
 */
function fieldsOf(spec: JsonObject): ReadonlyMap<string, readonly string[]> {
  const fields = Object.entries(asObject(spec['properties']) ?? {});
  return new Map(
    fields.map(([field, schema]) => {
      const below = Object.keys(asObject(asObject(schema)?.['properties']) ?? {});
      return [field, below.map((name) => `${field}.${name}`)];
    }),
  );
}

/** The fields that the first cell of each row of the page's table names, and whether the row says something. */
async function rows(): Promise<readonly { readonly names: readonly string[]; readonly says: string }[]> {
  const lines = (await readFile(page, 'utf8')).split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => {
    const [, first = '', second = ''] = line.split('|');
    return { names: [...first.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name), says: second.trim() };
  });
}

const fields = fieldsOf(structural(leaseSpec));
const named = (await rows()).flatMap(({ names }) => names);

test('each field of a spec has a row that says when a change of it acts', () => {
  expect(fields.size).toBeGreaterThan(5);
  const missing = [...fields].flatMap(([field, below]) => {
    if (named.includes(field)) return [];
    return below.length === 0 ? [field] : below.filter((name) => !named.includes(name));
  });
  expect(missing).toEqual([]);
});

test('each row is about fields that there are, in words of its own', async () => {
  const known = new Set([...fields].flatMap(([field, below]) => [field, ...below]));
  expect(named.filter((name) => !known.has(name))).toEqual([]);
  expect((await rows()).filter(({ names, says }) => names.length === 0 || says === '')).toEqual([]);
});

test('no field is in two rows', () => {
  expect(named.toSorted()).toEqual([...new Set(named)].toSorted());
  const twice = [...fields].filter(
    ([field, below]) => named.includes(field) && below.some((name) => named.includes(name)),
  );
  expect(twice).toEqual([]);
});
