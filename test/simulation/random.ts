/** Chance that a seed repeats: the same seed gives the same numbers, on every machine. */
export interface Random {
  /** A number of [0, 1). */
  next(): number;
  /** A whole number of [0, count). */
  below(count: number): number;
  between(least: number, most: number): number;
  chance(share: number): boolean;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
  uuid(): string;
  /** Another one, whose numbers do not depend on how many this one is asked for afterwards. */
  fork(): Random;
}

/** Makes a {@link Random}: sfc32, seeded by a whole number. */
export function seeded(seed: number): Random {
  let [a, b, c, counter] = [0x9e3779b9, 0x243f6a88, seed | 0, 1];
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let rounds = 0; rounds < 15; rounds += 1) word();
  const next = (): number => word() / 2 ** 32;
  const below = (count: number): number => Math.floor(next() * count);
  const hex = (): string => word().toString(16).padStart(8, '0');
  return {
    next,
    below,
    between: (least, most) => least + next() * (most - least),
    chance: (share) => next() < share,
    pick: (items) => items[below(items.length)] ?? items[0],
    uuid() {
      const text = hex() + hex() + hex() + hex();
      return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-8${text.slice(17, 20)}-${text.slice(20)}`;
    },
    fork: () => seeded(word()),
  };
}
