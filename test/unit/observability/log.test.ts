import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  LONGEST_VALUE,
  createLog,
  hiddenNames,
  logLevels,
  pinoOptions,
} from '../../../src/observability/log.ts';
import type { LogLevel } from '../../../src/observability/log.ts';
import type { Log, LogFields } from '../../../src/telemetry.ts';

const CANARY = 'canary-5f2d1c';

function recorded(level: LogLevel = 'trace'): { log: Log; lines: string[]; last: () => unknown } {
  const lines: string[] = [];
  const log = createLog(level, { write: (line) => lines.push(line) });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? 'null') as unknown };
}

/** What a careless caller could hand over in spite of the types. */
function smuggled(fields: Record<string, unknown>): LogFields {
  return fields as LogFields;
}

describe('a line', () => {
  test('is one JSON object with level, time, fields and message', () => {
    const { log, lines, last } = recorded();
    log.info('lease delivered', { namespace: 'shop', attempts: 2, first: true, absent: undefined });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.endsWith('\n')).toBe(true);
    const { time, ...others } = z.record(z.string(), z.unknown()).parse(last());
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(others).toEqual({
      level: 'info',
      namespace: 'shop',
      attempts: 2,
      first: true,
      msg: 'lease delivered',
    });
  });

  test('carries the fields of the logs that it came through, the nearest first', () => {
    const { log, last } = recorded();
    log.with({ controller: 'lease', name: 'a' }).with({ name: 'b' }).warn('refused', { code: 'InvalidSpec' });
    expect(last()).toMatchObject({ level: 'warn', controller: 'lease', name: 'b', code: 'InvalidSpec' });
  });

  test('stays one line whatever a value holds', () => {
    const { log, lines, last } = recorded();
    log.info('seen', { name: 'a\n{"level":"error"}\u001b[2J' });
    expect(lines).toHaveLength(1);
    for (const control of ['\n', '\u001b']) expect(lines[0]?.trimEnd()).not.toContain(control);
    expect(last()).toMatchObject({ name: 'a\n{"level":"error"}\u001b[2J' });
  });

  test('keeps its own level, time and message when a field has such a name', () => {
    const { log, last } = recorded();
    log.info('seen', { level: 'error', time: 1, msg: 'other' });
    expect(last()).toMatchObject({ level: 'info', level_: 'error', time_: 1, msg: 'seen', msg_: 'other' });
  });

  test('cuts what is too long', () => {
    const { log, last } = recorded();
    log.info('m'.repeat(5000), { value: 'v'.repeat(5000), fits: 'f'.repeat(LONGEST_VALUE) });
    expect(last()).toMatchObject({
      msg: `${'m'.repeat(LONGEST_VALUE)}…`,
      value: `${'v'.repeat(LONGEST_VALUE)}…`,
      fits: 'f'.repeat(LONGEST_VALUE),
    });
  });

  test('shows a number that JSON does not have as text', () => {
    const { log, last } = recorded();
    log.info('seen', { remaining: Number.NaN });
    expect(last()).toMatchObject({ remaining: 'NaN' });
  });
});

test.each(logLevels.map((level, index) => ({ level, printed: Math.min(4, logLevels.length - index) })))(
  'at level $level $printed of the four kinds of line are printed',
  ({ level, printed }) => {
    const { log, lines } = recorded(level);
    for (const kind of ['debug', 'info', 'warn', 'error'] as const) log[kind]('seen');
    expect(lines).toHaveLength(printed);
  },
);

describe('credentials stay out, even when the types are worked around', () => {
  class TellingError extends Error {
    override readonly name = 'TellingError';
    readonly password = CANARY;
  }
  const cases: Record<string, unknown> = {
    'an error with a telling message': new Error(CANARY),
    'an error with a telling cause': new Error('x', { cause: new Error(CANARY) }),
    'an error with a telling property': new TellingError(CANARY),
    'an error with a telling name': Object.assign(new Error('x'), { name: `${CANARY} !` }),
    'an object': { harmless: CANARY },
    'an object that prints itself': { toJSON: () => CANARY },
    'an array': [CANARY],
    'a map': new Map([['harmless', CANARY]]),
    bytes: Buffer.from(CANARY),
    'a URL': new URL(`https://user:${CANARY}@host.test/`),
    'a function': () => CANARY,
    'a symbol': Symbol(CANARY),
    'a boxed string': Object(CANARY),
  };

  test.each(Object.keys(cases))('%s is not printed', (name) => {
    const { log, lines } = recorded();
    log.error('failed', smuggled({ value: cases[name], error: cases[name], err: cases[name] }));
    log.with(smuggled({ value: cases[name] })).error('failed');
    expect(lines).toHaveLength(2);
    expect(lines.join('')).not.toContain(CANARY);
    expect(lines.join('')).not.toContain(Buffer.from(CANARY).toString('base64'));
  });

  test('of an error the name is printed', () => {
    const { log, last } = recorded();
    log.error('failed', smuggled({ error: new TellingError('x') }));
    expect(last()).toMatchObject({ error: 'TellingError' });
  });

  test('an error in the place of the message is reduced to its name', () => {
    const { log, lines, last } = recorded();
    log.error(new TypeError(CANARY) as unknown as string);
    expect(last()).toMatchObject({ msg: 'TypeError' });
    expect(lines.join('')).not.toContain(CANARY);
  });

  test.each(hiddenNames)('a field called %s is hidden', (name) => {
    const { log, lines, last } = recorded();
    log.info('seen', { [name]: CANARY });
    expect(last()).toMatchObject({ [name]: '[hidden]' });
    log.with({ [name]: CANARY }).info('seen');
    expect(last()).toMatchObject({ [name]: '[hidden]' });
    expect(lines.join('')).not.toContain(CANARY);
  });
});

describe("the second line, pino's own redaction", () => {
  const nested = [0, 1, 2, 3].flatMap((depth) => hiddenNames.map((name) => ({ name, depth })));

  test('hides what is below eight objects, and ends in a circle', () => {
    const lines: string[] = [];
    const logger = pino(pinoOptions('info'), { write: (line: string) => lines.push(line) });
    const circle: Record<string, unknown> = { near: 'shown', list: [{ token: CANARY }] };
    circle['again'] = circle;
    logger.info(circle, 'seen');
    expect(lines.join('')).toContain('shown');
    expect(lines.join('')).not.toContain(CANARY);
  });

  test.each(nested)('hides $name below $depth objects', ({ name, depth }) => {
    const lines: string[] = [];
    const logger = pino(pinoOptions('info'), { write: (line: string) => lines.push(line) });
    let value: Record<string, unknown> = { [name]: CANARY, near: 'shown' };
    for (let level = 0; level < depth; level++) value = { above: value };
    logger.info(value, 'seen');
    expect(lines.join('')).toContain('shown');
    expect(lines.join('')).not.toContain(CANARY);
  });
});
