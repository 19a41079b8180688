import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { lines } from '../../../src/kube/lines.ts';

async function* pieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((one, other) => one - other);
  let start = 0;
  for (const place of [...places, bytes.length]) {
    yield bytes.subarray(start, place);
    start = place;
  }
}

async function split(text: string, cuts: readonly number[]): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines(pieces(Buffer.from(text), cuts), () => undefined)) found.push(line);
  return found;
}

test.each<[string, string, string[]]>([
  ['whole lines', 'a\nb\n', ['a', 'b']],
  ['nothing', '', []],
  ['a line that is cut off', 'a\nb', ['a']],
  ['empty lines', 'a\n\nb\n', ['a', '', 'b']],
  ['characters of several bytes', 'ä€😀\n', ['ä€😀']],
])('reads %s', async (_sentence, text, expected) => {
  expect(await split(text, [])).toEqual(expected);
});

test('finds the same lines wherever the bytes are cut, within a character too', async () => {
  const text = fc.array(fc.string({ unit: 'grapheme', maxLength: 5 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(100)), async (parts, cuts) => {
      const whole = parts.map((part) => part.replaceAll('\n', ' '));
      expect(await split(whole.map((line) => `${line}\n`).join(''), cuts)).toEqual(whole);
    }),
  );
});

test('reads a line of many megabytes in small pieces without copying it again and again', async () => {
  const piece = Buffer.alloc(16_384, 'x');
  async function* long(): AsyncGenerator<Uint8Array> {
    for (let count = 0; count < 1024; count += 1) yield piece;
    yield Buffer.from('\n');
  }
  let heard = 0;
  const found: number[] = [];
  for await (const line of lines(long(), () => void (heard += 1))) found.push(line.length);
  expect(found).toEqual([16_777_216]);
  expect(heard).toBe(1025);
}, 2000);
