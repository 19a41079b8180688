import { readFileSync } from 'node:fs';
import path from 'node:path';

import { isMap, isScalar, parseDocument, type Pair, type YAMLMap } from 'yaml';

import { CHART, root } from './places.ts';

interface Value {
  /** As `--set` takes it: `image.tag`. */
  readonly name: string;
  readonly meaning: string;
  /** JSON of what counts where nothing is given; undefined for a group of values. */
  readonly usual: string | undefined;
}

/** The page of the chart's values. */
export function renderValuesDoc(): string {
  return [
    '# The chart of leaseholder',
    '',
    '<!-- Generated from values.yaml by `npm run generate`. -->',
    '',
    'How to install, upgrade and remove it: [operations](../../../docs/operations.md#install).',
    '',
    '| Value | Default | What it is |',
    '| --- | --- | --- |',
    ...valueRows(readFileSync(path.join(root, CHART, 'values.yaml'), 'utf8')),
    '',
  ].join('\n');
}

/**
 * The rows of a table of values: each with its default and what the comment above it says, behind `# --`. A mapping whose keys have
 * such comments is a group, any other is one value.
 *
 * @throws Error that names a value without such a comment.
 */
export function valueRows(text: string): readonly string[] {
  const { contents } = parseDocument(text);
  if (!isMap(contents)) throw new Error('values.yaml holds no mapping.');
  return valuesOf(contents, '').map(
    ({ name, usual, meaning }) =>
      `| \`${name}\` | ${usual === undefined ? '' : `\`${usual}\``} | ${meaning} |`,
  );
}

function valuesOf(map: YAMLMap, prefix: string): readonly Value[] {
  // The comment above the first pair of a mapping is that of the mapping.
  return map.items.flatMap((pair, index) =>
    valuesAt(pair, prefix, index === 0 ? map.commentBefore : undefined),
  );
}

function valuesAt({ key, value }: Pair, prefix: string, above: string | null | undefined): readonly Value[] {
  if (!isScalar(key)) throw new Error('A key of values.yaml is no scalar.');
  const name = `${prefix}${String(key.value)}`;
  const meaning = meaningIn(key.commentBefore ?? above);
  if (isMap(value) && saysWhatItHolds(value)) {
    const own = meaning === '' ? [] : [{ name, meaning, usual: undefined }];
    return [...own, ...valuesOf(value, `${name}.`)];
  }
  if (meaning === '') throw new Error(`values.yaml does not say what ${name} is.`);
  return [{ name, meaning, usual: JSON.stringify(value) }];
}

/** Whether a mapping is a group of values, not a value by itself. */
function saysWhatItHolds({ commentBefore, items }: YAMLMap): boolean {
  const comments = items.map(({ key }) => (isScalar(key) ? key.commentBefore : undefined));
  const isGroup = items.some(({ value }) => isMap(value) && saysWhatItHolds(value));
  return isGroup || [commentBefore, ...comments].some((comment) => meaningIn(comment) !== '');
}

function meaningIn(comment: string | null | undefined): string {
  const lines = (comment ?? '').split('\n').map((line) => line.trim());
  const start = lines.findIndex((line) => line.startsWith('-- '));
  if (start < 0) return '';
  return lines.slice(start).join(' ').slice('-- '.length).replaceAll('|', '\\|');
}
