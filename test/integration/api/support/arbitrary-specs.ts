import * as fc from 'fast-check';

/** Specs that are mostly right, each field now and then wrong: about as many are accepted as refused. */

/**
 * Values that keep to a pattern, some at its edges, and a few of no sense at all.
 *
 * @param weight of those that keep to it, beside 18 for the others.
 */
function around(pattern: RegExp, edges: readonly string[], weight = 80): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight, arbitrary: fc.stringMatching(pattern) },
    { weight: 14, arbitrary: fc.constantFrom(...edges) },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
    { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
  );
}

/** As {@link around}, for groups of many fields: one in thirty is wrong. */
function mostly(pattern: RegExp, edges: readonly string[]): fc.Arbitrary<unknown> {
  return around(pattern, edges, 540);
}

/** A group of fields, any of which may be absent, with a key now and then that the schema does not have. */
function group(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<object> {
  const unknown = fc.option(fc.jsonValue({ maxDepth: 2 }), { freq: 8, nil: undefined });
  return fc.record({ ...fields, unknownField: unknown }, { requiredKeys: [] });
}

/** As {@link group}, its fields nearly always there. */
function needed(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<object> {
  return fc.oneof({ weight: 30, arbitrary: fc.record(fields) }, { weight: 1, arbitrary: group(fields) });
}

const name = around(/^[a-z0-9]([-a-z0-9]{0,9}[a-z0-9])?(\.[a-z0-9]{1,9})?$/, ['a.b', 'a..b', 'A', '']);
const slug = mostly(/^[A-Za-z0-9]([A-Za-z0-9_-]{0,9}[A-Za-z0-9])?$/, ['a-', '_', 'My Shop', 'a']);
const duration = mostly(/^[1-9][0-9]{0,3}(s|m|h|d|w)$/, ['1m', '59s', '10y', '11y', '1h30m', '0s', '1y']);
const share = mostly(/^[1-8][0-9]%$/, ['0%', '1%', '90%', '91%', '10m', '1h30m', '999999999y']);
const strategy = mostly(/^(ReLease|Renew)$/, ['renew', 'Keep', '']);
const ending = mostly(/^(Revoke|Expire)$/, ['revoke', 'Keep', '']);

const labelKey = fc.oneof(
  { weight: 60, arbitrary: fc.stringMatching(/^([a-z]{1,5}\.io\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,9}[a-z])?$/) },
  { weight: 1, arbitrary: fc.constantFrom('kubernetes.io/a', 'leaseholder.dev/a', 'a b', 'A.b/c', 'a..b/c') },
  // The one key that no rule here ever sees: zod leaves it out.
  { weight: 1, arbitrary: fc.string({ maxLength: 80 }).filter((key) => key !== '__proto__') },
);
const labels = fc.dictionary(labelKey, mostly(/^[A-Za-z0-9]{0,9}$/, ['a b', 'a-', '']), { maxKeys: 4 });
const annotations = fc.dictionary(labelKey, mostly(/^[ -~]{0,40}$/, ['', '\n', '😀'.repeat(2049)]), {
  maxKeys: 40,
});

const config = fc.oneof(
  { weight: 20, arbitrary: fc.dictionary(fc.string({ maxLength: 9 }), fc.jsonValue({ maxDepth: 3 })) },
  { weight: 1, arbitrary: fc.record({ leaseholder: fc.jsonValue({ maxDepth: 1 }) }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
);

const secretKey = mostly(/^[A-Za-z._-]{1,9}$/, [
  'tls.crt',
  'tls.key',
  'username',
  'ssh-privatekey',
  '',
  '.',
  '..a',
]);
// Most types demand keys, which templates of any name seldom are.
const secretType = fc.oneof(
  { weight: 4, arbitrary: fc.constant('Opaque') },
  {
    weight: 1,
    arbitrary: mostly(/^kubernetes\.io\/(basic-auth|tls|ssh-auth|dockerconfigjson)$/, ['', 'opaque']),
  },
);
const templates = fc.oneof(
  {
    weight: 30,
    arbitrary: fc
      .array(
        fc.tuple(
          secretKey.filter((key) => typeof key === 'string'),
          fc.string({ maxLength: 20 }),
        ),
        { minLength: 1, maxLength: 3 },
      )
      // The one key that no rule here ever sees: zod leaves it out.
      .map((entries) => Object.fromEntries(entries.filter(([key]) => key !== '__proto__'))),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
);
const propagation = around(/^(Kubelet|Nudge)$/, ['nudge', ''], 540);
const include = fc.array(secretKey, { minLength: 1, maxLength: 3 });

/** About one entry in thirty is wrong: a spec may have three of them. */
const requirement = fc
  .tuple(
    needed({ key: mostly(/^[a-z]{1,9}$/, ['', '😀'.repeat(318)]) }),
    fc.oneof(
      {
        weight: 30,
        arbitrary: fc.constantFrom<object>(
          { operator: 'In', values: ['a', ''] },
          { operator: 'NotIn', values: ['😀'.repeat(63)] },
          { operator: 'Exists' },
          { operator: 'DoesNotExist', values: [] },
        ),
      },
      {
        weight: 1,
        arbitrary: group({
          operator: fc.constantFrom('In', 'Exists', 'Gt'),
          values: fc.array(fc.string({ maxLength: 80 }), { maxLength: 70 }),
        }),
      },
    ),
  )
  .map(([one, other]) => ({ ...one, ...other }));
const selector = group({
  matchLabels: fc.dictionary(labelKey, mostly(/^[A-Za-z0-9]{0,9}$/, ['a'.repeat(63), '😀'.repeat(63)]), {
    maxKeys: 66,
  }),
  matchExpressions: fc.array(requirement, { maxLength: 3 }),
});
const kind = mostly(/^(Deployment|StatefulSet|DaemonSet|Rollout)$/, ['Pod', 'deployment', '']);
const workload = fc.oneof(
  {
    weight: 20,
    arbitrary: needed({ kind, name: mostly(/^[a-z0-9]([-a-z0-9]{0,9}[a-z0-9])?$/, ['a.b', 'A', '']) }),
  },
  { weight: 20, arbitrary: needed({ kind, selector }) },
  { weight: 1, arbitrary: group({ kind, name, selector }) },
);
const restart = fc.oneof(
  { weight: 30, arbitrary: fc.array(workload, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.array(fc.constant({ kind: 'Rollout', name: 'a' }), { maxLength: 18 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
);

const optionalParts = {
  ttl: duration,
  config,
  rotation: group({ strategy, before: share }),
  revocation: group({ onDelete: ending, onRotation: ending, gracePeriod: duration, timeout: duration }),
  suspend: fc.oneof(
    { weight: 20, arbitrary: fc.boolean() },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
  ),
  secret: group({
    name,
    labels,
    annotations,
    propagation,
    type: secretType,
    data: templates,
    include,
    adoption: mostly(/^(Refuse|Adopt)$/, ['Take', '']),
    deletionPolicy: mostly(/^(Delete|Retain)$/, ['Keep', '']),
  }),
  restart,
};

export const anyLeaseSpec = fc
  .tuple(
    needed({
      connectionRef: needed({ name }),
      dynamicSecret: fc
        .tuple(
          needed({
            name: mostly(/^[a-z0-9]{1,9}(-[a-z0-9]{1,9})?$/, ['a--b', 'A', 'a'.repeat(65)]),
            projectSlug: slug,
            environmentSlug: slug,
          }),
          group({ path: mostly(/^(\/[A-Za-z0-9_-]{1,9}){1,3}$/, ['/', '', '//a', '/a/', 'a']) }),
        )
        .map(([target, place]) => ({ ...target, ...place })),
    }),
    group(optionalParts),
  )
  .map(([least, parts]) => ({ ...least, ...parts }));

const credential = needed({
  secretKeyRef: needed({ name, key: around(/^[-._a-zA-Z0-9]{1,9}$/, ['', 'a b', '..']) }),
});
const organizationSlug = around(/^[a-z0-9]{1,9}(-[a-z0-9]{1,9})?$/, ['a--b', 'A', 'a'.repeat(33)]);
const universal = fc
  .tuple(needed({ clientId: credential, clientSecret: credential }), group({ organizationSlug }))
  .map(([least, parts]) => ({ ...least, ...parts }));
const serviceAccountRef = fc
  .tuple(needed({ name }), group({ audience: around(/^[!-~]{1,20}$/, ['', 'a b', 'a'.repeat(1025)]) }))
  .map(([least, parts]) => ({ ...least, ...parts }));
const identityId = around(/^[0-9a-f]{8}-[0-9a-f]{4}$/, ['', 'a b', 'a'.repeat(65)]);
const kubernetes = needed({ identityId, serviceAccountRef });
const signed = fc.oneof(
  { weight: 10, arbitrary: needed({ identityId, serviceAccountRef }) },
  {
    weight: 10,
    arbitrary: fc.tuple(needed({ identityId }), credential).map(([one, two]) => ({ ...one, ...two })),
  },
  { weight: 2, arbitrary: group({ identityId, serviceAccountRef, organizationSlug }) },
);

export const anyConnectionSpec = fc
  .tuple(
    needed({
      hostAPI: around(/^https?:\/\/[a-z0-9]{1,9}(\.[a-z]{2,5})?(:[0-9]{1,5})?(\/api)?$/, [
        'https://[::1]/',
        'https://a@b',
        'infisical',
      ]),
      auth: fc.oneof(
        { weight: 20, arbitrary: needed({ universal }) },
        { weight: 20, arbitrary: needed({ token: credential }) },
        { weight: 10, arbitrary: needed({ kubernetes }) },
        { weight: 10, arbitrary: needed({ oidc: signed }) },
        { weight: 10, arbitrary: needed({ jwt: signed }) },
        { weight: 5, arbitrary: group({ universal, kubernetes, oidc: signed, token: credential }) },
      ),
    }),
    group({
      caBundle: group({
        inline: around(/^\s{0,3}-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\n]{0,40}$/, ['', 'MIIB', '\u00a0']),
      }),
      tlsServerName: around(/^[a-z0-9]{1,9}(\.[a-z]{2,5})?$/, ['', 'a..b', 'https://a']),
      insecureSkipVerify: fc.boolean(),
    }),
  )
  .map(([least, parts]) => ({ ...least, ...parts }));

const input = mostly(/^[a-z]{3,9}([.][a-z]{3,9})?$/, [
  'password',
  'host',
  'auth',
  'auth.password',
  '',
  'a.b.c',
]);
const uniqueBy = (key: string, entry: fc.Arbitrary<object>): fc.Arbitrary<object[]> =>
  fc.uniqueArray(entry, {
    maxLength: 3,
    selector: (one) => JSON.stringify((one as Readonly<Record<string, unknown>>)[key]),
  });
const sources = uniqueBy(
  'input',
  needed({ input, secretKeyRef: needed({ name, key: mostly(/^[-._a-zA-Z0-9]{1,9}$/, ['', 'a b']) }) }),
);
const plain = mostly(/^[a-z]{1,9}$/, ['', ' a', 'a ']);
const inputs = group({
  client: mostly(/^(postgres|mysql2)$/, ['sqlite', '']),
  host: plain,
  port: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 65_535 }) },
    { weight: 1, arbitrary: fc.integer() },
  ),
  database: plain,
  creationStatement: plain,
  sslEnabled: fc.boolean(),
  roles: fc.jsonValue({ maxDepth: 2 }),
  passwordRequirements: group({
    length: fc.integer({ min: 3, max: 9 }),
    required: needed({
      lowercase: fc.nat(2),
      uppercase: fc.nat(2),
      digits: fc.nat(2),
      symbols: fc.integer({ min: -1, max: 1 }),
    }),
  }),
});
const credentials = group({
  password: fc.string({ maxLength: 9 }),
  auth: fc.record({ type: plain, apiKey: fc.string({ maxLength: 9 }) }, { requiredKeys: ['type'] }),
});

export const anyDynamicSecretSpec = fc
  .tuple(
    needed({
      connectionRef: needed({ name }),
      name: mostly(/^[a-z0-9]{1,9}(-[a-z0-9]{1,9})?$/, ['a--b', 'A', 'a'.repeat(65)]),
      projectSlug: slug,
      environmentSlug: slug,
      defaultTTL: mostly(/^[1-9]h$/, ['1m', '59s', '1h30m', '']),
    }),
    fc.oneof(
      { weight: 8, arbitrary: inputs },
      { weight: 1, arbitrary: fc.tuple(inputs, credentials).map(([one, two]) => ({ ...one, ...two })) },
    ),
    mostly(/^[a-z]{3,9}(-[a-z]{3,9})?$/, ['sql-database', 'totp', 'SQL', '']),
    group({
      maxTTL: mostly(/^[1-9]{2}h$/, ['1m', '59s', '1h', '11y']),
      usernameTemplate: mostly(/^[a-z_]{1,9}\{\{randomUsername\}\}$/, ['', ' a', '{{a}}', '{{random 8}}']),
      metadata: uniqueBy(
        'key',
        needed({ key: mostly(/^[a-z]{1,9}$/, ['', 'leaseholder-object']), value: fc.string() }),
      ),
      inputsFrom: sources,
      adoption: mostly(/^(Refuse|Adopt)$/, ['Take', '']),
      deletionPolicy: mostly(/^(Delete|Retain)$/, ['Keep', '']),
    }),
  )
  .map(([least, given, type, parts]) => ({ ...least, provider: { type, inputs: given }, ...parts }));
