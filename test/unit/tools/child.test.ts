import { expect, test } from 'vitest';
import { runCommand } from '../../../tools/child.ts';
import type { Command, Outcome } from '../../../tools/child.ts';

function run(command: Partial<Command>): Promise<Outcome> {
  return runCommand({
    run: 'true',
    cwd: import.meta.dirname,
    env: process.env,
    output: 'capture',
    deadline: 30_000,
    signal: new AbortController().signal,
    ...command,
  });
}

function script(text: string): [string, string, string] {
  return [process.execPath, '-e', text];
}

test('a command gives its exit code and both its streams', async () => {
  const text = 'process.stdout.write("out\\n"); process.stderr.write("err\\n"); process.exitCode = 7';
  const { code, output } = await run({ run: script(text) });
  expect(code).toBe(7);
  expect(output.split('\n').sort()).toEqual(['', 'err', 'out']);
});

test('a line is for the shell', async () => {
  expect(await run({ run: 'echo one && echo $WORD', env: { ...process.env, WORD: 'two' } })).toMatchObject({
    code: 0,
    output: 'one\ntwo\n',
  });
});

test('a program that does not exist is a failure with its name', async () => {
  const { code, output } = await run({ run: ['/no/such/program'] });
  expect(code).toBe(127);
  expect(output).toContain('/no/such/program');
});

test('stopping reaches what the command has started', async () => {
  // The shell waits for its child, and the child holds the output open: only when both are gone does the run end.
  const stopping = new AbortController();
  const ended = run({ run: 'sleep 60 & wait', signal: stopping.signal });
  stopping.abort();
  const { code, seconds } = await ended;
  expect(code).not.toBe(0);
  expect(seconds).toBeLessThan(9);
});

test('what is stopped before it begins ends too', async () => {
  const { code } = await run({ run: 'sleep 60', signal: AbortSignal.abort() });
  expect(code).toBe(128);
});

test('the deadline ends a command', async () => {
  const { code } = await run({ run: script('setInterval(() => {}, 1000)'), deadline: 1 });
  expect(code).toBe(128);
});
