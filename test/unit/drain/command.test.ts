import { describe, expect, test } from 'vitest';

import { parseDrain } from '../../../src/drain/command.ts';

describe('the command line of a drain', () => {
  const accepted: Record<string, { argv: string[]; env?: Record<string, string>; expected: object }> = {
    'nothing: a quarter of an hour, in all namespaces, with warnings alone': {
      argv: [],
      expected: { timeout: 900_000, config: { listen: 'off', logLevel: 'warn', leaderElection: 'on' } },
    },
    'a timeout': { argv: ['--timeout', '5s'], expected: { timeout: 5000 } },
    'a timeout after =': { argv: ['--timeout=24h'], expected: { timeout: 86_400_000 } },
    'the flags of the operator': {
      argv: ['--namespaces=shop', '--timeout=1m', '--log-level', 'info'],
      expected: { timeout: 60_000, config: { namespaces: ['shop'], logLevel: 'info' } },
    },
    'a shard': { argv: ['--shard=b'], expected: { config: { shard: 'b' } } },
    'the variables of the operator, but for its address': {
      argv: [],
      env: { LEASEHOLDER_LISTEN: '0.0.0.0:9000', LEASEHOLDER_LOG_LEVEL: 'debug' },
      expected: { config: { listen: 'off', logLevel: 'debug' } },
    },
  };

  test.each(Object.entries(accepted))('%s', (_sentence, { argv, env = {}, expected }) => {
    expect(parseDrain(argv, env)).toMatchObject({ ok: true, ...expected });
  });

  test.each(['', '5', '0s', '5x', '25h', '1m30s', '-5s'])('--timeout=%s is refused', (text) => {
    const parsed = parseDrain([`--timeout=${text}`], {});
    const faults = 'faults' in parsed ? parsed.faults : [];
    expect(faults).toEqual([expect.stringMatching(/^--timeout must be .* from 1s to 24h; it is /)]);
  });

  test('everything that is wrong is named at once', () => {
    const parsed = parseDrain(['--timeout', '5s', '--timeout', '6s', '--workers=0', '--nope'], {});
    expect(parsed).toEqual({
      ok: false,
      faults: [
        '--timeout is given more than once.',
        '"--nope" is no flag of leaseholder. --help lists them.',
        expect.stringContaining('--workers'),
      ],
    });
  });

  test('a timeout without a value is refused', () => {
    expect(parseDrain(['--timeout'], {})).toMatchObject({ ok: false });
  });

  test('--help and --version ask for no drain', () => {
    const parsed = parseDrain(['--help', '--timeout=5x'], {});
    expect('help' in parsed ? parsed.help : '').toContain('--timeout DURATION');
    expect(parseDrain(['--version'], {})).toEqual({ version: true });
  });
});
