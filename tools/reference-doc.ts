import type { JsonObject } from '../src/api/crd.ts';
import { kinds, structural } from '../src/api/crd.ts';
import { API_VERSION } from '../src/api/names.ts';

/** A field, as a line of a table. */
interface Row {
  readonly path: string;
  readonly type: string;
  readonly meaning: string;
}

/** The reference of the API: each kind with each field, from the schemas that the code and the CRDs are made of. */
export function renderReferenceDoc(): string {
  return [
    '# API reference',
    '',
    'Generated from `src/api` by `tools/generate.ts`; do not edit.',
    '',
    `All kinds are of \`${API_VERSION}\`. A field that is marked _required_ must be there as soon as what it stands in is. \`[]\` stands for each entry of a list, \`{key}\` for each of a map.`,
    'What a default is stands with the field: nearly all are effective values, which the operator goes by and the stored object does not show, so that what you applied stays as it was.',
    'Mistakes are refused when they are applied; the rules say by what. A duration is a whole number with one unit: `s`, `m`, `h`, `d`, `w` or `y`. [spec-changes.md](spec-changes.md) tells when a change of a field acts.',
    '',
    ...kinds.flatMap((kind) => [
      `## ${kind.kind}`,
      '',
      kind.description,
      '',
      `\`kubectl get ${kind.shortNames.join(', ')}\`, ${kind.scope === 'Cluster' ? 'of the cluster' : 'of a namespace'}; category \`leaseholder\`.`,
      '',
      ...section('spec', structural(kind.spec), `${kind.kind} spec`, kind.rules),
      ...section('status', structural(kind.status), `${kind.kind} status`, []),
    ]),
  ].join('\n');
}

function section(
  name: string,
  schema: JsonObject,
  title: string,
  more: readonly JsonObject[],
): readonly string[] {
  const rules = [...rulesOf(schema), ...more.map(({ message }) => String(message))];
  return [
    `### ${title}`,
    '',
    '| Field | Type | Meaning |',
    '| --- | --- | --- |',
    ...rowsOf(schema, name).map(({ path, type, meaning }) => `| \`${path}\` | ${type} | ${meaning} |`),
    '',
    ...(rules.length === 0
      ? []
      : ['What is refused as a whole:', '', ...rules.map((rule) => `- ${prose(rule)}`), '']),
  ];
}

/** The fields of a schema, each before what stands in it. */
function rowsOf(schema: JsonObject, path: string): readonly Row[] {
  const required = new Set(Array.isArray(schema['required']) ? schema['required'].map(String) : []);
  return Object.entries(objectIn(schema, 'properties') ?? {}).flatMap(([name, child]) => {
    if (!isObject(child)) return [];
    const at = `${path}.${name}`;
    const meaning = [
      required.has(name) ? '_Required._' : '',
      cell(textIn(child, 'description') ?? ''),
      boundsOf(child),
      ...rulesOf(child).map((rule) => `${cell(rule)}.`),
    ];
    const row = { path: at, type: typeOf(child), meaning: meaning.filter((part) => part !== '').join(' ') };
    return [row, ...inside(child, at)];
  });
}

function inside(schema: JsonObject, path: string): readonly Row[] {
  const items = objectIn(schema, 'items');
  const values = objectIn(schema, 'additionalProperties');
  return [
    ...rowsOf(schema, path),
    ...(items === undefined ? [] : inside(items, `${path}[]`)),
    ...(values === undefined ? [] : inside(values, `${path}.{key}`)),
  ];
}

function typeOf(schema: JsonObject): string {
  const items = objectIn(schema, 'items');
  if (items !== undefined) return `list of ${typeOf(items)}`;
  const values = objectIn(schema, 'additionalProperties');
  if (values !== undefined) return `map of ${typeOf(values)}`;
  if (Array.isArray(schema['enum'])) return schema['enum'].map((one) => `\`${String(one)}\``).join(', ');
  if (schema['format'] === 'date-time') return 'instant';
  return textIn(schema, 'type') ?? 'any';
}

/** What a schema demands of a value, beside its type. */
const bounds: Readonly<Record<string, (value: unknown) => string>> = {
  default: (value) => `Stored default: \`${JSON.stringify(value)}\`.`,
  pattern: (value) => `Must match \`${String(value)}\`.`,
  minLength: (value) => (value === 1 ? 'Not empty.' : `At least ${String(value)} characters.`),
  maxLength: (value) => `At most ${String(value)} characters.`,
  minItems: (value) => `At least ${String(value)}.`,
  maxItems: (value) => `At most ${String(value)}.`,
  minProperties: (value) => `At least ${String(value)}.`,
  maxProperties: (value) => `At most ${String(value)}.`,
  minimum: (value) => `At least ${String(value)}.`,
  maximum: (value) => `At most ${String(value)}.`,
};

function boundsOf(schema: JsonObject): string {
  return Object.entries(bounds)
    .flatMap(([name, tell]) => (schema[name] === undefined ? [] : tell(schema[name])))
    .join(' ');
}

/** The sentences with which the API server refuses a value, or an entry of it. */
function rulesOf(schema: JsonObject): readonly string[] {
  const rules = schema['x-kubernetes-validations'];
  const own = (Array.isArray(rules) ? rules : []).flatMap((rule: unknown) =>
    isObject(rule) && typeof rule['message'] === 'string' ? [rule['message']] : [],
  );
  const entries = objectIn(schema, 'items') ?? objectIn(schema, 'additionalProperties');
  return [...new Set([...own, ...(entries === undefined ? [] : rulesOf(entries))])];
}

function textIn(schema: JsonObject, key: string): string | undefined {
  const value = schema[key];
  return typeof value === 'string' ? value : undefined;
}

function objectIn(schema: JsonObject, key: string): JsonObject | undefined {
  const value = schema[key];
  return isObject(value) ? value : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Text in a cell of a table: one line, and no bar that would end it. */
function cell(text: string): string {
  return prose(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** Text that Markdown would read as something else, outside of code. */
function prose(text: string): string {
  return text
    .split('`')
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(/[<>*_{}]/g, String.raw`\$&`)))
    .join('`');
}
