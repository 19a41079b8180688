import { describe, expect, test } from 'vitest';

import { parseMigrate, migrateText } from '../../../src/migrate/command.ts';
import { migrate } from '../../../src/migrate/migrate.ts';
import { convertTemplate } from '../../../src/migrate/template.ts';

/** An object as the other operator has it. */
function old(changes: object = {}, metadata: object = {}): object {
  return {
    apiVersion: 'secrets.infisical.com/v1alpha1',
    kind: 'InfisicalDynamicSecret',
    metadata: { name: 'orders-db', namespace: 'shop', ...metadata },
    spec: {
      hostAPI: 'https://infisical.example.com/api',
      authentication: {
        universalAuth: { credentialsRef: { secretName: 'identity', secretNamespace: 'shop' } },
      },
      dynamicSecret: {
        secretName: 'orders-postgres',
        secretsPath: '/',
        environmentSlug: 'prod',
        projectSlug: 'shop',
      },
      leaseRevocationPolicy: 'Revoke',
      leaseTTL: '1h',
      managedSecretReference: { secretName: 'orders', secretNamespace: 'shop', creationPolicy: 'Owner' },
      ...changes,
    },
  };
}

const noSlugs = (): undefined => undefined;

function one(object: object): ReturnType<typeof migrate>[number] {
  const [migration] = migrate([object], noSlugs);
  if (migration === undefined) throw new Error('Nothing was migrated.');
  return migration;
}

describe('an InfisicalDynamicSecret', () => {
  test('becomes a connection and a lease that takes over its Secret', () => {
    const { manifests, faults, notes } = one(old());
    expect(faults).toEqual([]);
    expect(JSON.parse(JSON.stringify(manifests))).toEqual([
      {
        apiVersion: 'leaseholder.dev/v1alpha1',
        kind: 'InfisicalConnection',
        metadata: { name: 'orders-db', namespace: 'shop' },
        spec: {
          hostAPI: 'https://infisical.example.com/api',
          auth: {
            universal: {
              clientId: { secretKeyRef: { name: 'identity', key: 'clientId' } },
              clientSecret: { secretKeyRef: { name: 'identity', key: 'clientSecret' } },
            },
          },
        },
      },
      {
        apiVersion: 'leaseholder.dev/v1alpha1',
        kind: 'DynamicSecretLease',
        metadata: { name: 'orders-db', namespace: 'shop' },
        spec: {
          connectionRef: { name: 'orders-db' },
          dynamicSecret: {
            name: 'orders-postgres',
            projectSlug: 'shop',
            environmentSlug: 'prod',
            path: '/',
          },
          ttl: '1h',
          secret: { name: 'orders', adoption: 'Adopt' },
        },
      },
    ]);
    expect(notes).toEqual([
      `kubectl -n shop patch secret orders --type=merge -p '{"metadata":{"ownerReferences":null,"annotations":{"leaseholder.dev/adopt-by":"orders-db"}}}'`,
    ]);
  });

  test('that is like another one shares its connection', () => {
    const [, second] = migrate([old(), old({}, { name: 'sales-db' })], noSlugs);
    expect(second?.manifests.map(({ kind }) => kind)).toEqual(['DynamicSecretLease']);
    expect(second?.manifests[0]?.spec).toMatchObject({ connectionRef: { name: 'orders-db' } });
  });

  test.each([
    ['no revocation', { leaseRevocationPolicy: '' }, { revocation: { onDelete: 'Expire' } }],
    [
      'an orphan',
      { managedSecretReference: { secretName: 'orders', secretNamespace: 'shop' } },
      { secret: { name: 'orders', adoption: 'Adopt', deletionPolicy: 'Retain' } },
    ],
    [
      'a template',
      {
        managedSecretReference: {
          secretName: 'orders',
          secretNamespace: 'shop',
          creationPolicy: 'Owner',
          secretType: 'kubernetes.io/basic-auth',
          template: {
            data: { username: '{{ .DB_USERNAME.Value }}', password: '{{ .DB_PASSWORD.Value }}' },
            metadata: { labels: { team: 'orders' } },
          },
        },
      },
      {
        secret: {
          name: 'orders',
          adoption: 'Adopt',
          type: 'kubernetes.io/basic-auth',
          data: { username: '{{ DB_USERNAME }}', password: '{{ DB_PASSWORD }}' },
          labels: { team: 'orders' },
        },
      },
    ],
  ])('with %s says so in the words of leaseholder', (_name, changes, expected) => {
    const { manifests, faults } = one(old(changes));
    expect(faults).toEqual([]);
    expect(JSON.parse(JSON.stringify(manifests.at(-1)?.spec))).toMatchObject(expected);
  });

  test.each([
    [
      'a project by its id',
      { dynamicSecret: { secretName: 'o', secretsPath: '/', environmentSlug: 'prod', projectId: 'abc' } },
      '--project abc=SLUG',
    ],
    ['a duration of two units', { leaseTTL: '1h30m' }, 'spec.leaseTTL'],
    ['a login without a counterpart', { authentication: { awsIamAuth: { identityId: 'x' } } }, 'awsIamAuth'],
    ['no login', { authentication: {} }, 'names no method'],
    ['a field that nobody knows', { surprise: true }, 'spec.surprise is not what'],
    [
      'a template with a loop',
      {
        managedSecretReference: {
          secretName: 'orders',
          secretNamespace: 'shop',
          template: { data: { all: '{{ range . }}x{{ end }}' } },
        },
      },
      'template.data.all',
    ],
    [
      'a name that leaseholder refuses',
      {
        dynamicSecret: {
          secretName: 'Not A Slug',
          secretsPath: '/',
          environmentSlug: 'prod',
          projectSlug: 'shop',
        },
      },
      'spec.dynamicSecret.name',
    ],
  ])('with %s is not converted, and says why', (_name, changes, words) => {
    const { manifests, faults } = one(old(changes));
    expect(manifests).toEqual([]);
    expect(faults.join('\n')).toContain(words);
  });

  test('whose Secret is elsewhere goes there, and names what is to be brought along', () => {
    const reference = { secretName: 'orders', secretNamespace: 'pods', creationPolicy: 'Owner' };
    const { manifests, notes } = one(old({ managedSecretReference: reference }));
    expect(manifests.map(({ metadata }) => metadata.namespace)).toEqual(['pods', 'pods']);
    expect(notes.join('\n')).toContain('Secret shop/identity is in another namespace');
  });
});

describe('a template', () => {
  test.each([
    ['plain text', 'plain text'],
    ['postgres://{{ .U.Value }}:{{ .P.Value | urlquery }}@db', 'postgres://{{ U }}:{{ P | url_encode }}@db'],
    ['{{- .U.Value -}}', '{{ U }}'],
    ['{{ .U.Value | upper | b64enc }}', '{{ U | upcase | base64_encode }}'],
  ])('%s is converted', (from, to) => {
    expect(convertTemplate(from)).toBe(to);
  });

  test.each(['{{ if .U }}x{{ end }}', '{{ .U.Value | unheard }}', '{{ printf "%s" .U.Value }}', '{% raw %}'])(
    '%s is left to a person',
    (from) => {
      expect(convertTemplate(from)).toBeUndefined();
    },
  );
});

describe('leaseholder migrate', () => {
  test('reads several documents and lists, and leaves others out', async () => {
    const documents = [
      JSON.stringify({ kind: 'ConfigMap' }),
      JSON.stringify({ kind: 'List', items: [old(), old({ surprise: 1 }, { name: 'other' })] }),
    ];
    const { manifests, faults } = await migrateText(documents.join('\n---\n'), new Map());
    expect(manifests.match(/^kind: .*$/gm)).toEqual([
      'kind: InfisicalConnection',
      'kind: DynamicSecretLease',
    ]);
    expect(manifests).toContain('# From InfisicalDynamicSecret shop/orders-db.');
    expect(faults).toEqual(['shop/other: spec.surprise is not what an InfisicalDynamicSecret has.']);
  });

  test('says where a text is no YAML, and quotes nothing of it', async () => {
    await expect(migrateText('a: [canary', new Map())).rejects.toThrow(
      /^Document 1 is no YAML, near its line \d+\.$/,
    );
  });

  test.each([
    [
      ['--project', 'a=b', '--project=c=d'],
      {
        ok: true,
        slugs: new Map([
          ['a', 'b'],
          ['c', 'd'],
        ]),
      },
    ],
    [['--project', 'a'], { ok: false, faults: ['--project must be ID=SLUG.'] }],
    [
      ['file.yaml'],
      { ok: false, faults: ['Argument 1 is no flag of leaseholder migrate. --help lists them.'] },
    ],
  ])('%j is read', (argv, expected) => {
    expect(parseMigrate(argv)).toEqual(expected);
  });
});
