import { check, resolveConfig } from 'prettier';
import { describe, expect, test } from 'vitest';
import { parseConfig, renderConfigurationDoc } from '../../src/config.ts';
import type { Config } from '../../src/config.ts';
import { parseAllowedHosts } from '../../src/network/allowed-hosts.ts';
import { options } from '../../src/config/options.ts';

const defaults: Config = {
  serviceAccountFolder: '/var/run/secrets/kubernetes.io/serviceaccount',
  workers: 32,
  kubeConnections: 8,
  listen: { host: '0.0.0.0', port: 8080 },
  logLevel: 'info',
  allowedHosts: parseAllowedHosts('public') ?? [],
  allowInsecureTls: 'off',
  cloudIdentity: 'cluster',
  nudgePods: 'off',
  strict: 'off',
  drainTimeout: 25_000,
  leaderElection: 'on',
};

type Environment = Record<string, string>;

function config(argv: readonly string[], env: Environment = {}): Config {
  const parsed = parseConfig(argv, env);
  if (!('ok' in parsed) || !parsed.ok) throw new Error(`not accepted: ${JSON.stringify(parsed)}`);
  return parsed.config;
}

function faults(argv: readonly string[], env: Environment = {}): readonly string[] {
  const parsed = parseConfig(argv, env);
  if (!('ok' in parsed) || parsed.ok) throw new Error(`not refused: ${JSON.stringify(parsed)}`);
  return parsed.faults;
}

describe('what is accepted', () => {
  const cases: Record<string, { argv?: string[]; env?: Environment; expected: Partial<Config> }> = {
    'nothing: the defaults': { expected: {} },
    'a flag and its value': { argv: ['--workers', '4'], expected: { workers: 4 } },
    'a flag with its value after =': { argv: ['--workers=256'], expected: { workers: 256 } },
    'a variable': { env: { LEASEHOLDER_WORKERS: '1' }, expected: { workers: 1 } },
    'a flag before its variable': {
      argv: ['--workers=2'],
      env: { LEASEHOLDER_WORKERS: '3' },
      expected: { workers: 2 },
    },
    'a flag before its variable, even where the variable is wrong': {
      argv: ['--workers=2'],
      env: { LEASEHOLDER_WORKERS: 'many' },
      expected: { workers: 2 },
    },
    'a value that begins with a dash, after =': { argv: ['--context=-odd'], expected: { context: '-odd' } },
    'a name of two words': {
      env: { LEASEHOLDER_KUBE_CONNECTIONS: '64' },
      expected: { kubeConnections: 64 },
    },
    'a kubeconfig by flag before all variables': {
      argv: ['--kubeconfig=/a'],
      env: { LEASEHOLDER_KUBECONFIG: '/b', KUBECONFIG: '/c' },
      expected: { kubeconfig: '/a' },
    },
    'a kubeconfig by our own variable before the common one': {
      env: { LEASEHOLDER_KUBECONFIG: '/b', KUBECONFIG: '/c' },
      expected: { kubeconfig: '/b' },
    },
    'a kubeconfig by the common variable': {
      env: { KUBECONFIG: '/c:/d' },
      expected: { kubeconfig: '/c:/d' },
    },
    'an empty KUBECONFIG, which is as good as none': { env: { KUBECONFIG: '' }, expected: {} },
    'namespaces, each once': {
      argv: ['--namespaces=shop,billing,shop'],
      expected: { namespaces: ['shop', 'billing'] },
    },
    'a shard': { argv: ['--shard=team-b'], expected: { shard: 'team-b' } },
    'a shard of 40 characters': {
      env: { LEASEHOLDER_SHARD: 'b'.repeat(40) },
      expected: { shard: 'b'.repeat(40) },
    },
    'an installation': { argv: ['--installation-id=prod-eu.1'], expected: { installationId: 'prod-eu.1' } },
    'an address to listen on': {
      argv: ['--listen=localhost:0'],
      expected: { listen: { host: 'localhost', port: 0 } },
    },
    'an IPv6 address to listen on': {
      argv: ['--listen', '[::]:9090'],
      expected: { listen: { host: '::', port: 9090 } },
    },
    'no listening': { argv: ['--listen=off'], expected: { listen: 'off' } },
    'a log level': { argv: ['--log-level=trace'], expected: { logLevel: 'trace' } },
    'a drain timeout of one hour': { argv: ['--drain-timeout=1h'], expected: { drainTimeout: 3_600_000 } },
    'an election of one of several installations': {
      argv: ['--leader-election-name=leaseholder.team-a', '--leader-election-namespace=team-a'],
      expected: { leaderElectionName: 'leaseholder.team-a', leaderElectionNamespace: 'team-a' },
    },
    'a namespace for the Secrets of cluster connections': {
      argv: ['--cluster-connection-namespace=platform'],
      expected: { clusterConnectionNamespace: 'platform' },
    },
    'no election': { argv: ['--leader-election=off'], expected: { leaderElection: 'off' } },
    'variables of a Kubernetes Service called leaseholder': {
      env: { LEASEHOLDER_PORT: 'tcp://10.0.0.1:80', LEASEHOLDER_SERVICE_HOST: '10.0.0.1' },
      expected: {},
    },
  };

  test.each(Object.entries(cases))('%s', (_, { argv = [], env = {}, expected }) => {
    expect(config(argv, env)).toEqual({ ...defaults, ...expected });
  });

  test('the result is frozen to its depth', () => {
    const made = config(['--namespaces=shop']);
    for (const part of [made, made.namespaces, made.listen]) expect(Object.isFrozen(part)).toBe(true);
  });
});

describe('what is refused', () => {
  const wrong: Record<string, readonly string[]> = {
    workers: [
      '0',
      '257',
      '-1',
      '1.5',
      '1e2',
      '0x10',
      'many',
      ' 4',
      '4 ',
      '',
      '99999999999999999999',
      'NaN',
      'Infinity',
    ],
    'kube-connections': ['0', '65', ''],
    kubeconfig: [''],
    context: [''],
    'service-account-folder': [''],
    namespaces: ['', ',', 'shop,', 'shop, billing', 'Shop', '-shop', '*', 'a'.repeat(64), 'shop\n'],
    shard: ['', 'B', 'a.b', 'a_b', '-b', 'b-', 'b'.repeat(41), 'b,c', 'b c', 'b\n'],
    'installation-id': ['', '-x', 'x-', 'a b', 'a'.repeat(64)],
    listen: [
      '',
      '8080',
      ':8080',
      'host',
      'host:',
      'host:65536',
      'host:8080/x',
      '::1:8080',
      '[::1]',
      '[host]:1',
      'OFF',
    ],
    'log-level': ['', 'verbose', 'INFO', 'fatal', 'silent'],
    'allowed-hosts': [
      '',
      'public,',
      'a, b',
      '*',
      '*.',
      'https://',
      'ftp://host',
      'host:65536',
      'host/path',
      'user@host',
      '10.0.0.0/33',
      '0x7f.1',
      '[::1',
      'fe80::1%eth0',
    ],
    'cloud-identity': ['', 'on', 'none', 'namespaces', 'ALL'],
    'allow-insecure-tls': ['', 'yes', 'true', 'ON'],
    'nudge-pods': ['', 'yes', 'true', 'ON'],
    strict: ['', 'yes', 'true', 'ON'],
    'drain-timeout': ['', '0s', '25', '1m30s', '-5s', '2h', '1d', '25ms', '999999999y'],
    'leader-election': ['', 'yes', 'true', 'ON'],
    'leader-election-namespace': ['', 'Shop', 'a.b', '-shop', 'a'.repeat(64)],
    'cluster-connection-namespace': ['', 'Shop', 'a.b', '-shop', 'a'.repeat(64)],
    'leader-election-name': ['', 'a_b', '.a', 'a..b', 'A', 'a'.repeat(64)],
  };
  const all = Object.entries(wrong).flatMap(([name, texts]) => texts.map((text) => ({ name, text })));

  test.each(all)('--$name=$text, given either way', ({ name, text }) => {
    const variable = `LEASEHOLDER_${name.replaceAll('-', '_').toUpperCase()}`;
    const given = text === '' ? 'empty' : JSON.stringify(text);
    const start = `--${name} (or ${variable}) must be `;
    for (const [from, found] of [
      [`--${name}`, faults([`--${name}=${text}`])],
      [variable, faults([], { [variable]: text })],
    ] as const) {
      expect(found).toHaveLength(1);
      expect(found[0]?.startsWith(start)).toBe(true);
      expect(found[0]?.endsWith(`; ${from} is ${given}.`)).toBe(true);
    }
  });

  test('every option has a case above', () => {
    const checked = new Set(Object.keys(wrong));
    expect(options.filter(({ flag }) => !checked.has(flag.slice(2)))).toEqual([]);
  });

  const lines: Record<string, { argv: string[]; sentences: string[] }> = {
    'an unknown flag, without its value': {
      argv: ['--password=canary'],
      sentences: ['"--password" is no flag of leaseholder. --help lists them.'],
    },
    'an unknown flag and the argument that is most likely its value, as one': {
      argv: ['--password', 'canary'],
      sentences: ['"--password" is no flag of leaseholder. --help lists them.'],
    },
    'a stray argument, without repeating it': {
      argv: ['--workers=3', 'canary'],
      sentences: [
        'Argument 2 is no flag. leaseholder takes flags only, written --name VALUE or --name=VALUE.',
      ],
    },
    'arguments behind --': {
      argv: ['--', '--workers=3'],
      sentences: [
        'Argument 2 is no flag. leaseholder takes flags only, written --name VALUE or --name=VALUE.',
      ],
    },
    'a single dash, once': {
      argv: ['-workers', '4'],
      sentences: ['Argument 1 begins with a single dash. Flags are written with two: --name VALUE.'],
    },
    'a flag without a value at the end': {
      argv: ['--workers'],
      sentences: ['--workers needs a value. One that begins with a dash is written --workers=VALUE.'],
    },
    'a flag without a value before another flag': {
      argv: ['--context', '--workers=4'],
      sentences: ['--context needs a value. One that begins with a dash is written --context=VALUE.'],
    },
    'a flag twice': {
      argv: ['--workers=1', '--workers=1'],
      sentences: ['--workers is given more than once.'],
    },
    '--help with a value': { argv: ['--help=yes'], sentences: ['--help takes no value.'] },
    'the opposite of --help': {
      argv: ['--no-help'],
      sentences: ['"--no-help" is no flag of leaseholder. --help lists them.'],
    },
    'a name that every object has': {
      argv: ['--__proto__=1', '--constructor=1'],
      sentences: [
        '"--__proto__" is no flag of leaseholder. --help lists them.',
        '"--constructor" is no flag of leaseholder. --help lists them.',
      ],
    },
  };

  test.each(Object.entries(lines))('%s', (_, { argv, sentences }) => {
    expect(faults(argv)).toEqual(sentences);
  });

  test('everything at once, in flags and variables alike', () => {
    const found = faults(['--workers=0', '--nope', '--listen='], {
      LEASEHOLDER_DRAIN_TIMEOUT: 'soon',
      LEASEHOLDER_LOG_LEVEL: '',
    });
    expect(found.map((sentence) => /--[a-z-]+/.exec(sentence)?.[0])).toEqual([
      '--nope',
      '--workers',
      '--listen',
      '--log-level',
      '--drain-timeout',
    ]);
  });

  test('a long value or one with control characters is printed tame', () => {
    const [sentence = ''] = faults([`--workers=\u001b[2J${'9'.repeat(5000)}`]);
    expect(sentence).toContain('\\u001b[2J999');
    expect(sentence.length).toBeLessThan(300);
  });
});

describe('questions', () => {
  test('--help names every flag, variable rule and default, whatever else is wrong', () => {
    const parsed = parseConfig(['--nope', '--help'], { LEASEHOLDER_WORKERS: 'x' });
    const help = 'help' in parsed ? parsed.help : '';
    for (const option of options) {
      expect(help).toContain(`  ${option.flag} ${option.value}\n`);
      expect(help).toContain(option.default ?? option.otherwise?.replaceAll('`', ''));
    }
    expect(help).not.toContain('`');
  });

  test('--version asks for the version', () => {
    expect(parseConfig(['--version'], {})).toEqual({ version: true });
  });
});

describe('the table', () => {
  test('has an entry for every field of the schema, in the same order', () => {
    expect(options.map(({ key }) => key)).toEqual([
      'kubeconfig',
      'context',
      'serviceAccountFolder',
      'namespaces',
      'shard',
      'installationId',
      'workers',
      'kubeConnections',
      'listen',
      'logLevel',
      'allowedHosts',
      'cloudIdentity',
      'allowInsecureTls',
      'nudgePods',
      'strict',
      'drainTimeout',
      'leaderElection',
      'leaderElectionNamespace',
      'clusterConnectionNamespace',
      'leaderElectionName',
    ]);
  });

  test('tells of each option what holds when it is not given', () => {
    expect(options.filter((option) => (option.default ?? option.otherwise) === undefined)).toEqual([]);
  });

  test('has no variable that Kubernetes may set for a Service', () => {
    expect(options.filter(({ variable }) => /_(PORT|SERVICE_HOST|SERVICE_PORT)(_|$)/.test(variable))).toEqual(
      [],
    );
  });

  test('makes a document that names all and that the formatter leaves alone', async () => {
    const document = renderConfigurationDoc();
    for (const { flag, variable, allowed } of options) {
      for (const part of [flag, variable, allowed]) expect(document).toContain(part);
    }
    expect(await check(document, { ...(await resolveConfig('README.md')), parser: 'markdown' })).toBe(true);
  });
});
