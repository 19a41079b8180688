/**
 * Nothing decides by these: the number of rotations is told and never asked; the principal's name is that of the lease
 * once more.
 */
const UNHEEDED = new Set(['rotations', 'externalEntityId']);

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const instant = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

interface Plain {
  /** JSON in one order of keys, ids and names as they are called here, instants without their time. */
  (value: unknown): unknown;
  /** The number of an id that has appeared. */
  number(id: string): number | undefined;
}

/** @param names what is called otherwise in each life, and what it is called here. */
export function plainly(names: Readonly<Record<string, string>>): Plain {
  const numbers = new Map<string, number>();
  const text = (value: string): string => {
    if (instant.test(value)) return 'an instant';
    if (!uuid.test(value)) return names[value] ?? value;
    const number = numbers.get(value) ?? numbers.size + 1;
    numbers.set(value, number);
    return `id ${String(number)}`;
  };
  const plain = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map((one) => plain(one));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(([key, one]) => one !== undefined && !UNHEEDED.has(key));
    const inOrder = entries.toSorted(([key], [other]) => (key < other ? -1 : 1));
    return Object.fromEntries(inOrder.map(([key, one]) => [key, plain(one)]));
  };
  return Object.assign(plain, { number: (id: string) => numbers.get(id) });
}
