import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { standardOutput } from '../../../src/observability/standard-output.ts';
import { virtualClock } from '../../support/virtual-clock.ts';

describe('standard output', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'leaseholder-output-'));
    file = join(folder, 'lines');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const start = () => {
    const clock = virtualClock();
    return {
      clock,
      output: standardOutput(clock, openSync(file, 'a')),
      read: () => readFileSync(file, 'utf8'),
    };
  };

  test('takes the lines of 20 ms together, and the next after them', async () => {
    const { clock, output, read } = start();
    output.write('one\n');
    await clock.run(19);
    output.write('two\n');
    expect(read()).toBe('');
    await clock.run(1);
    expect(read()).toBe('one\ntwo\n');
    output.write('three\n');
    await clock.run(20);
    expect(read()).toBe('one\ntwo\nthree\n');
  });

  test('writes what waits when the process ends', () => {
    const { output, read } = start();
    output.write('last words\n');
    output.flush();
    expect(read()).toBe('last words\n');
    output.flush();
    expect(read()).toBe('last words\n');
  });

  test('keeps little waiting: much is written at once', () => {
    const { output, read } = start();
    const line = `${'x'.repeat(1023)}\n`;
    for (let count = 0; count < 20; count += 1) output.write(line);
    expect(read().length).toBeGreaterThanOrEqual(8 * 1024);
  });
});
