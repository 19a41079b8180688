/** The few forms of DER (ITU-T X.690) that a certificate needs. */

export const TRUE = Buffer.from([0x01, 0x01, 0xff]);

export function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

export function set(...parts: readonly Buffer[]): Buffer {
  return element(0x31, Buffer.concat(parts));
}

/** An explicitly tagged part. */
export function tagged(tag: number, content: Buffer): Buffer {
  return element(0xa0 | tag, content);
}

/** A number of any length that is not negative: the leading bit belongs to the sign and must be clear. */
export function integer(bytes: Buffer): Buffer {
  const significant = bytes.subarray(
    Math.max(
      0,
      bytes.findIndex((byte) => byte !== 0),
    ),
  );
  const signed = (significant[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), significant]) : significant;
  return element(0x02, signed);
}

export function bitString(bytes: Buffer): Buffer {
  return element(0x03, Buffer.concat([Buffer.alloc(1), bytes]));
}

export function octetString(bytes: Buffer): Buffer {
  return element(0x04, bytes);
}

export function utf8(text: string): Buffer {
  return element(0x0c, Buffer.from(text));
}

/** An instant to the second: GeneralizedTime from the year 2050, UTCTime before, as RFC 5280 wants it. */
export function time(instant: number): Buffer {
  const digits = new Date(instant).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return digits >= '2050' ? element(0x18, Buffer.from(digits)) : element(0x17, Buffer.from(digits.slice(2)));
}

/** An object identifier in its dotted form: base 128, the first two numbers in one byte. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): readonly number[] {
  const last = value & 0x7f;
  return value < 0x80 ? [last] : [...base128(value >> 7).map((byte) => byte | 0x80), last];
}

function element(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
}

/** Up to 127 in one byte; beyond, the number of length bytes first. */
function length(size: number): Buffer {
  if (size < 0x80) return Buffer.from([size]);
  if (size < 0x100) return Buffer.from([0x81, size]);
  return Buffer.from([0x82, size >> 8, size & 0xff]);
}
