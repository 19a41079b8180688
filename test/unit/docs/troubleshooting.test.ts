import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

import { reasons } from '../../../src/api/condition.ts';

const page = readFileSync(
  path.join(import.meta.dirname, '..', '..', '..', 'docs', 'troubleshooting.md'),
  'utf8',
);

/** The text below each heading of the third order. */
const paragraphs = new Map(
  page
    .split(/^(?=#{2,3} )/m)
    .filter((part) => part.startsWith('### '))
    .map((part): [string, string] => {
      const [heading = '', ...text] = part.split('\n');
      return [heading.slice(4), text.join('\n')];
    }),
);

describe('the page about troubleshooting', () => {
  test('has a paragraph for every reason of the closed set, once', () => {
    expect([...paragraphs.keys()].toSorted()).toEqual([...reasons].toSorted());
    expect(page.match(/^### /gm)?.length).toBe(reasons.length);
  });

  test.each(reasons)('says of %s what causes it, what to look at and what to do', (reason) => {
    expect(paragraphs.get(reason)).toMatch(/\*\*Cause\.\*\* \S.*\*\*Look at\.\*\* \S.*\*\*Do\.\*\* \S/);
  });
});
