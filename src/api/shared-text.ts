/**
 * How many texts are remembered. A lease names some ten ids, each in the object, in the record of its Secret and in what the
 * server says of it, which come within seconds of one another; names and messages are the same in all leases.
 */
const MOST = 8192;

/** The table is begun anew whenever it is full: nothing needs it to be complete. */
const texts = new Map<string, string>();

/**
 * The same text as one that was seen of late, so that it is kept once: each value that `JSON.parse` gives is a text of its
 * own, and ten thousand leases have two hundred thousand of them. Never to be given a credential: what it was given stays for a
 * while.
 */
export function sharedText(text: string): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  if (texts.size >= MOST) texts.clear();
  texts.set(text, text);
  return text;
}

/**
 * Puts shared texts in place of those within a value, at any depth.
 *
 * @param value what was just read, and is nobody else's yet: it is changed.
 * @returns the same value.
 */
export function withSharedTexts<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) shareWithin(value as Record<string, unknown>);
  return value;
}

function shareWithin(holder: Record<string, unknown>): void {
  for (const key of Object.keys(holder)) {
    const one = holder[key];
    if (typeof one === 'string') holder[key] = sharedText(one);
    else if (typeof one === 'object' && one !== null) shareWithin(one as Record<string, unknown>);
  }
}
