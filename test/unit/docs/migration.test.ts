import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

import { sourceSpec } from '../../../src/migrate/source.ts';

const page = readFileSync(path.join(import.meta.dirname, '..', '..', '..', 'docs', 'migration.md'), 'utf8');

const node = z.looseObject({ properties: z.record(z.string(), z.unknown()).default({}) });

/** The fields of the other operator's objects that the converter knows, down to what one line of the page is about. */
function fieldsOf(schema: unknown, depth: number): readonly string[] {
  return Object.entries(node.parse(schema).properties).flatMap(([name, child]) => {
    const below = depth === 0 ? [] : fieldsOf(child, depth - 1);
    return below.length === 0 ? [name] : below;
  });
}

/** Fields that a page names by the first half of their names: `gcp…Auth`. */
const shortened = ['gcpIdTokenAuth', 'gcpIamAuth'];

describe('the page about migration', () => {
  const fields = fieldsOf(z.toJSONSchema(sourceSpec), 1).filter((field) => !shortened.includes(field));

  test.each(fields)('says what becomes of %s', (field) => {
    const table = page.split('\n').filter((line) => line.startsWith('|'));
    expect(table.some((line) => line.split('|')[1]?.includes(field))).toBe(true);
  });
});
