import { describe, expect, test } from 'vitest';

import { structural } from '../../../src/api/crd.ts';
import {
  assembled,
  inputOf,
  notHere,
  providerInputs,
  sensitiveInputs,
  standsIn,
} from '../../../src/api/provider-inputs.ts';
import { dynamicSecretSpec } from '../../../src/api/dynamic-secret.ts';
import { violations } from '../../support/structural.ts';

const CANARY = 'canary-9f1c';
const schema = structural(dynamicSecretSpec);

const sensitive = Object.entries(sensitiveInputs).flatMap(([type, paths]) =>
  paths.map((path) => [type, path]),
);

describe('a credential among the inputs', () => {
  test.each(sensitive)('of %s: %s is refused by name, and not repeated', (type, path) => {
    const inputs = assembled({}, new Map([[path, CANARY]]));
    const spec = {
      connectionRef: { name: 'infisical' },
      name: 'orders',
      projectSlug: 'shop',
      environmentSlug: 'prod',
      defaultTTL: '1h',
      provider: { type, inputs },
    };
    const issues = dynamicSecretSpec.safeParse(spec).error?.issues ?? [];
    const at = `provider.inputs.${path}`;
    const named = issues.filter((issue) => issue.path.join('.') === at);
    expect(named.map(({ message }) => message)).toEqual([notHere]);
    const said = violations(schema, spec);
    expect(said).toContain(`.${at}: ${path.split('.').at(-1) ?? ''} ${notHere}`);
    expect(`${JSON.stringify(issues)}${said.join()}`).not.toContain(CANARY);
  });

  test('is refused in a type that nobody knows, too', () => {
    expect(
      dynamicSecretSpec.shape.provider.safeParse({ type: 'star-gate', inputs: { password: 'a' } }).success,
    ).toBe(false);
  });

  test('is not what only looks like one', () => {
    const inputs = {
      url: 'https://a',
      tokenScopes: ['a'],
      accessKeyId: 'A',
      auth: { apiKeyId: 'A', type: 'api-key' },
    };
    expect(providerInputs.parse(inputs)).toEqual(inputs);
  });
});

describe('what the server is told', () => {
  const inputs = { host: 'db', auth: { type: 'user', username: 'a' } };

  test.each<[string, readonly (readonly [string, string])[], object]>([
    ['nothing from a Secret', [], inputs],
    ['an input from a Secret', [['password', 'p']], { ...inputs, password: 'p' }],
    ['a part of an input', [['auth.password', 'p']], { ...inputs, auth: { ...inputs.auth, password: 'p' } }],
    [
      'two parts of an input that is not there',
      [
        ['clientAuth.clientId', 'c'],
        ['clientAuth.clientSecret', 's'],
      ],
      { ...inputs, clientAuth: { clientId: 'c', clientSecret: 's' } },
    ],
  ])('is %s', (_what, values, expected) => {
    const before = structuredClone(inputs);
    expect(assembled(inputs, new Map(values))).toEqual(expected);
    expect(inputs).toEqual(before);
  });

  test.each([
    ['password', 'password'],
    ['auth.password', 'auth'],
  ])('of %s is the whole input %s', (source, input) => {
    expect(inputOf(source)).toBe(input);
  });

  test.each<[string, boolean]>([
    ['host', true],
    ['auth', true],
    ['auth.username', true],
    ['auth.password', false],
    ['host.name', true],
    ['port', false],
    ['toString', false],
    ['auth.toString', false],
  ])('%s is said by the inputs themselves: %s', (source, said) => {
    expect(standsIn(inputs, source)).toBe(said);
  });
});
