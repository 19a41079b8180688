/** First in, first out, in constant time, amortised. */
export interface Fifo<Item> {
  push(item: Item): void;
  shift(): Item | undefined;
}

/** `Array.shift` moves every element that is left; this one moves them only when half of the array is used up. */
export function fifo<Item>(): Fifo<Item> {
  let items: Item[] = [];
  let head = 0;
  return {
    push: (item) => void items.push(item),
    shift() {
      const item = items[head];
      if (item === undefined) return undefined;
      head += 1;
      if (head * 2 >= items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
  };
}
