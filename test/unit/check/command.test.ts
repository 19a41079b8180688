import { describe, expect, test } from 'vitest';

import { parseCheck } from '../../../src/check/command.ts';

describe('the command line of a check', () => {
  const accepted: Record<string, { argv: string[]; expected: object }> = {
    'a connection of a namespace': {
      argv: ['--connection', 'shop/infisical'],
      expected: {
        subject: { kind: 'InfisicalConnection', namespace: 'shop', name: 'infisical' },
        output: 'table',
        config: { listen: 'off', logLevel: 'error' },
      },
    },
    'one of the cluster, as JSON, with a flag of the operator': {
      argv: ['--cluster-connection=shared', '--output=json', '--namespaces', 'shop'],
      expected: {
        subject: { kind: 'ClusterInfisicalConnection', namespace: '', name: 'shared' },
        output: 'json',
        config: { namespaces: ['shop'] },
      },
    },
  };

  test.each(Object.entries(accepted))('%s', (_sentence, { argv, expected }) => {
    expect(parseCheck(argv, {})).toMatchObject({ ok: true, ...expected });
  });

  const refused: Record<string, { argv: string[]; says: string }> = {
    'no connection': { argv: [], says: 'Exactly one of' },
    'two of them': { argv: ['--connection=a/b', '--cluster-connection=c'], says: 'Exactly one of' },
    'the same flag twice': { argv: ['--connection=a/b', '--connection=a/b'], says: 'Exactly one of' },
    'a name without its namespace': { argv: ['--connection', 'infisical'], says: 'NAMESPACE/NAME' },
    'a name with more than two parts': { argv: ['--connection', 'a/b/c'], says: 'NAMESPACE/NAME' },
    'a flag without its value': { argv: ['--connection'], says: 'NAMESPACE/NAME' },
    'no name of a cluster connection': { argv: ['--cluster-connection', 'A'], says: 'name of a Cluster' },
    'another output': { argv: ['--connection=a/b', '--output=xml'], says: '--output must be' },
    'an unknown flag': { argv: ['--connection=a/b', '--nope'], says: '"--nope" is no flag' },
  };

  test.each(Object.entries(refused))('%s is refused', (_sentence, { argv, says }) => {
    const parsed = parseCheck(argv, {});
    expect('faults' in parsed ? parsed.faults : []).toEqual([expect.stringContaining(says)]);
  });

  test('everything that is wrong is named at once', () => {
    const parsed = parseCheck(['--output', 'xml', '--workers=0'], {});
    expect('faults' in parsed ? parsed.faults : []).toHaveLength(3);
  });

  test.each([
    [['--help'], { help: expect.stringContaining('leaseholder check') as string }],
    [['--version'], { version: true }],
  ])('%s asks for no check', (argv, expected) => {
    expect(parseCheck(argv, {})).toMatchObject(expected);
  });
});
