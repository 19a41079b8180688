const NEWLINE = 0x0a;

/**
 * Splits bytes into lines, each without its newline. Lines may be of any length and are put together once. What follows
 * the last newline was cut off and is left out.
 *
 * @param onBytes is called with each piece that arrives.
 */
export async function* lines(
  source: AsyncIterable<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<string, void, undefined> {
  let begun: Uint8Array[] = [];
  for await (const piece of source) {
    onBytes();
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      begun.push(piece.subarray(start, end));
      // Decoded only when whole: a piece may end within a character.
      yield Buffer.concat(begun).toString('utf8');
      begun = [];
      start = end + 1;
    }
    if (start < piece.length) begun.push(piece.subarray(start));
  }
}
