/**
 * Requests that wait for their turn: the parties take turns, and within a party the earliest deadline goes first, then the
 * first come. So a party with many requests makes no other wait for more than one of its own at a time.
 */
export interface Turns<Party, Waiting> {
  add(party: Party, waiting: Waiting, deadline: number): void;
  /** Hands out the next one. */
  next(): Waiting | undefined;
  /** Takes one out that waits no longer. Unknown ones are ignored. */
  remove(party: Party, waiting: Waiting): void;
  /** Takes all out, of one party or of all. */
  clear(party?: Party): readonly Waiting[];
  readonly size: number;
}

/** Makes {@link Turns} for which nobody waits. */
export function turns<Party, Waiting>(): Turns<Party, Waiting> {
  /** In the order of the turns; each list in that of its deadlines. */
  const parties = new Map<Party, { readonly waiting: Waiting; readonly deadline: number }[]>();
  let size = 0;

  return {
    add(party, waiting, deadline) {
      const queue = parties.get(party) ?? [];
      parties.set(party, queue);
      const place = queue.findIndex((one) => one.deadline > deadline);
      queue.splice(place < 0 ? queue.length : place, 0, { waiting, deadline });
      size += 1;
    },
    next() {
      for (const [party, queue] of parties) {
        parties.delete(party);
        const first = queue.shift();
        if (queue.length > 0) parties.set(party, queue);
        if (first === undefined) continue;
        size -= 1;
        return first.waiting;
      }
      return undefined;
    },
    remove(party, waiting) {
      const queue = parties.get(party) ?? [];
      const place = queue.findIndex((one) => one.waiting === waiting);
      if (place < 0) return;
      queue.splice(place, 1);
      size -= 1;
      if (queue.length === 0) parties.delete(party);
    },
    clear(party) {
      const left = party === undefined ? [...parties.values()] : [parties.get(party) ?? []];
      if (party === undefined) parties.clear();
      else parties.delete(party);
      const all = left.flat().map(({ waiting }) => waiting);
      size -= all.length;
      return all;
    },
    get size() {
      return size;
    },
  };
}
