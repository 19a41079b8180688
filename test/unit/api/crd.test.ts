import { describe, expect, test } from 'vitest';

import { customResourceDefinition, kinds, structural, type JsonObject } from '../../../src/api/crd.ts';
import { celHolds } from '../../support/cel.ts';
import { asObject, nodesOf, rulesOf, type SchemaNode } from '../../support/structural.ts';

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: Readonly<Record<string, string | readonly string[]>>;
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly subresources: unknown;
      readonly additionalPrinterColumns: readonly Readonly<Record<string, unknown>>[];
      readonly schema: { readonly openAPIV3Schema: JsonObject };
    }[];
  };
}

function definitionOf(kind: (typeof kinds)[number]): Definition {
  return JSON.parse(JSON.stringify(customResourceDefinition(kind))) as Definition;
}

const definitions = kinds.map((kind) => {
  const definition = definitionOf(kind);
  const [version] = definition.spec.versions;
  if (version === undefined) throw new Error(`${kind.kind} has no version.`);
  return { kind: kind.kind, definition, version, schema: version.schema.openAPIV3Schema };
});

/** Everything that Kubernetes takes in a structural schema and that we use. */
const keywords = new Set([
  'type',
  'description',
  'properties',
  'required',
  'items',
  'additionalProperties',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'format',
  'default',
  'x-kubernetes-validations',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
]);

const types = new Set(['object', 'array', 'string', 'integer', 'boolean', 'number']);

function pathsWhere(schema: JsonObject, holds: (node: SchemaNode) => boolean): readonly string[] {
  return nodesOf(schema)
    .filter((node) => holds(node))
    .map(({ path }) => path);
}

const shortNames: Readonly<Record<string, string>> = {
  DynamicSecretLease: 'dsl',
  DynamicSecret: 'dynsec',
  InfisicalConnection: 'infisical',
  ClusterInfisicalConnection: 'clusterinfisical',
};

const ofConnections = ['Host', 'Method', 'Objects', 'LastLogin', 'Age', 'SessionEnds'];
const counts: Readonly<Record<string, string>> = {
  DynamicSecret: 'Users',
  InfisicalConnection: 'Objects',
  ClusterInfisicalConnection: 'Objects',
};

const defaultsOf: Readonly<Record<string, readonly unknown[]>> = {
  DynamicSecretLease: [
    ['.spec.connectionRef.kind', 'InfisicalConnection'],
    ['.spec.dynamicSecret.path', '/'],
  ],
  DynamicSecret: [
    ['.spec.connectionRef.kind', 'InfisicalConnection'],
    ['.spec.path', '/'],
  ],
};

const ownColumns: Readonly<Record<string, readonly string[]>> = {
  DynamicSecretLease: ['Secret', 'Expires', 'Rotates', 'Age'],
  DynamicSecret: ['Name', 'Type', 'DefaultTTL', 'Users', 'Age'],
  InfisicalConnection: ofConnections,
  ClusterInfisicalConnection: ofConnections,
};

describe.each(definitions)('the CRD of $kind', ({ kind, definition, version, schema }) => {
  test('is of the one group and version, of its scope, and has a status of its own', () => {
    expect(definition.metadata.name).toBe(`${String(definition.spec.names['plural'])}.leaseholder.dev`);
    expect(definition.spec.group).toBe('leaseholder.dev');
    expect(definition.spec.scope).toBe(kind.startsWith('Cluster') ? 'Cluster' : 'Namespaced');
    expect(definition.spec.versions).toHaveLength(1);
    expect(version).toMatchObject({
      name: 'v1alpha1',
      served: true,
      storage: true,
      subresources: { status: {} },
    });
  });

  test('has its names, short names and category', () => {
    expect(definition.spec.names).toMatchObject({
      kind,
      listKind: `${kind}List`,
      singular: kind.toLowerCase(),
      plural: `${kind.toLowerCase()}s`,
      categories: ['leaseholder'],
    });
    expect(definition.spec.names['shortNames']).toEqual([shortNames[kind]]);
  });

  test('says only what a structural schema may say', () => {
    const foreign = nodesOf(schema).flatMap(({ path, schema: node }) =>
      Object.keys(node)
        .filter((key) => !keywords.has(key))
        .map((key) => `${path}: ${key}`),
    );
    expect(foreign).toEqual([]);
  });

  test('has a status that the API server keeps account of as a whole', () => {
    const atomic = nodesOf(schema).filter(({ schema: node }) => node['x-kubernetes-map-type'] === 'atomic');
    expect(atomic.map(({ path }) => path)).toEqual(['.status']);
  });

  test('types every node, unless it keeps unknown fields', () => {
    const untyped = pathsWhere(
      schema,
      ({ schema: node }) =>
        !types.has(String(node['type'])) && node['x-kubernetes-preserve-unknown-fields'] !== true,
    );
    expect(untyped).toEqual([]);
  });

  test('never has additionalProperties beside properties, nor closes an object', () => {
    const mixed = pathsWhere(
      schema,
      ({ schema: node }) =>
        'additionalProperties' in node && ('properties' in node || !asObject(node['additionalProperties'])),
    );
    expect(mixed).toEqual([]);
  });

  test('has what belongs to a type at that type only', () => {
    const belongs: Record<string, string> = {
      properties: 'object',
      required: 'object',
      additionalProperties: 'object',
      minProperties: 'object',
      maxProperties: 'object',
      items: 'array',
      maxItems: 'array',
      'x-kubernetes-list-type': 'array',
      'x-kubernetes-map-type': 'object',
      pattern: 'string',
      minLength: 'string',
      maxLength: 'string',
    };
    const astray = nodesOf(schema).flatMap(({ path, schema: node }) =>
      Object.keys(node)
        .filter((key) => (belongs[key] ?? node['type']) !== node['type'])
        .map((key) => `${path}: ${key}`),
    );
    expect(astray).toEqual([]);
  });

  test('has items for every list, and keys that exist for every list that is a map', () => {
    for (const { schema: node } of nodesOf(schema).filter((one) => one.schema['type'] === 'array')) {
      const item = asObject(node['items']);
      expect(item).toBeDefined();
      const keys = (node['x-kubernetes-list-map-keys'] ?? []) as readonly string[];
      expect(item?.['required'] ?? []).toEqual(expect.arrayContaining([...keys]));
    }
  });

  test('requires only what it describes', () => {
    for (const { path, schema: node } of nodesOf(schema)) {
      const required = (node['required'] ?? []) as readonly string[];
      const described = Object.keys(asObject(node['properties']) ?? {});
      expect({ path, described }).toEqual({
        path,
        described: expect.arrayContaining([...required]) as string[],
      });
    }
  });

  test('has defaults for path, kind and status only', () => {
    const defaults = nodesOf(schema)
      .filter((node) => 'default' in node.schema)
      .map((node) => [node.path, node.schema['default']]);
    expect(defaults).toEqual([...(defaultsOf[kind] ?? []), ['.status', { observedGeneration: -1 }]]);
  });

  test('says nothing about metadata', () => {
    expect(asObject(schema['properties'])?.['metadata']).toEqual({ type: 'object' });
  });

  test('requires a spec and no status', () => {
    expect(schema['required']).toEqual(['spec']);
  });

  test('bounds every text of the spec that people write', () => {
    const spec = asObject(asObject(schema['properties'])?.['spec']) ?? {};
    const unbounded = pathsWhere(
      spec,
      ({ schema: node }) => node['type'] === 'string' && !('maxLength' in node) && !('enum' in node),
    );
    expect(unbounded).toEqual([]);
  });

  test('describes every field of the spec', () => {
    const spec = asObject(asObject(schema['properties'])?.['spec']) ?? {};
    const silent = pathsWhere(
      spec,
      ({ path, schema: node }) =>
        !('description' in node) && !/^$|\.kind$|\*$|config\.leaseholder$/.test(path),
    );
    expect(silent).toEqual([]);
  });

  test('has rules with a sentence for people, and patterns that both engines read', () => {
    for (const { rule, message } of nodesOf(schema).flatMap((node) => rulesOf(node.schema))) {
      expect(message).toMatch(/^\S+.* (must|is) \S+/);
      // RE2 knows neither look-around nor back-references.
      expect(rule).not.toMatch(/\(\?|\\\\[1-9]/);
    }
    expect(nodesOf(schema).filter((node) => 'pattern' in node.schema)).toEqual([]);
  });

  test('shows columns of text, counts, and its age', () => {
    const columns = version.additionalPrinterColumns;
    const shown = Object.fromEntries(columns.map(({ name, type }) => [String(name), type]));
    const own = ownColumns[kind] ?? [];
    expect(columns.map(({ name }) => name)).toEqual(['Ready', 'Reason', ...own, 'Message']);
    const others = Object.entries(shown).filter(([, type]) => type !== 'string');
    const count = kind in counts ? [[counts[kind], 'integer']] : [];
    expect(others).toEqual([...count, ['Age', 'date']]);
  });

  test('shows columns of what exists', () => {
    const paths = new Set(nodesOf(schema).map(({ path }) => path));
    for (const { jsonPath } of version.additionalPrinterColumns) {
      const plain = String(jsonPath).replace(/\[\?.*\]/, '[]');
      expect(plain === '.metadata.creationTimestamp' || paths.has(plain)).toBe(true);
    }
  });
});

function applied(secret?: object): object {
  return { metadata: { name: 'orders' }, spec: secret === undefined ? {} : { secret } };
}

describe('the Secret of a lease', () => {
  const schema = definitions.find(({ kind }) => kind === 'DynamicSecretLease')?.schema ?? {};
  const [typed] = rulesOf(schema);
  const tls = 'kubernetes.io/tls';

  test.each<[string, object, object, boolean]>([
    ['keeps its type, said or unsaid', applied({}), applied({ type: 'Opaque' }), true],
    ['may get another name', applied({ name: 'db', type: tls }), applied({ name: 'other', type: tls }), true],
    ['cannot get another type', applied({ name: 'db' }), applied({ name: 'db', type: tls }), false],
    ['cannot lose its type', applied({ type: tls }), applied(), false],
    ['may get another type with another name', applied(), applied({ name: 'certificate', type: tls }), true],
    ["keeps its type by the object's own name", applied(), applied({ name: 'orders', type: tls }), false],
  ])('%s', (_sentence, oldSelf, self, allowed) => {
    expect(celHolds(typed?.rule ?? '', { self, oldSelf })).toBe(allowed);
  });
});

describe('a DynamicSecret', () => {
  const schema = definitions.find(({ kind }) => kind === 'DynamicSecret')?.schema ?? {};
  const spec = {
    projectSlug: 'shop',
    environmentSlug: 'prod',
    path: '/',
    provider: { type: 'aws-iam', inputs: {} },
  };
  const broken = (change: object): readonly string[] =>
    rulesOf(schema)
      .filter(({ rule }) => !celHolds(rule, { oldSelf: { spec }, self: { spec: { ...spec, ...change } } }))
      .map(({ fieldPath }) => fieldPath);

  test.each<[string, object, readonly string[]]>([
    ['keeps its project', { projectSlug: 'stock' }, ['.spec.projectSlug']],
    ['keeps its environment', { environmentSlug: 'dev' }, ['.spec.environmentSlug']],
    ['keeps its folder', { path: '/team' }, ['.spec.path']],
    ['keeps its type', { provider: { type: 'ldap', inputs: {} } }, ['.spec.provider.type']],
    ['may change all else', { name: 'other', provider: { type: 'aws-iam', inputs: { region: 'eu' } } }, []],
  ])('%s', (_sentence, change, blamed) => {
    expect(broken(change)).toEqual(blamed);
  });
});

test('every integer is one of 64 bits without a bound that only JavaScript has', () => {
  const spec = kinds.map(({ status }) => structural(status));
  const integers = spec
    .flatMap((schema) => nodesOf(schema))
    .filter(({ schema }) => schema['type'] === 'integer');
  expect(integers.length).toBeGreaterThan(3);
  for (const { schema } of integers) expect(schema).toMatchObject({ format: 'int64' });
});
