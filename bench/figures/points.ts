/** A point of a curve over time. */
export type Point = readonly [seconds: number, value: number];

/** As many points of a curve as are kept: more than a figure can show, few enough for a line of JSON. */
export const MOST_POINTS = 200;

/** At most so many of the items, spread evenly, the first and the last among them. @param most from 2 on */
export function thin<T>(items: readonly T[], most: number = MOST_POINTS): readonly T[] {
  if (items.length <= most) return items;
  const step = (items.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, index) => items[Math.round(index * step)]).filter(
    (item) => item !== undefined,
  );
}

/** Which share of the objects was there after how many seconds. @param ascending instants, in milliseconds */
export function sharesOf(ascending: readonly number[], from: number): readonly Point[] {
  return thin(
    ascending.map((at, index): Point => {
      const share = (index + 1) / ascending.length;
      return [Number(((at - from) / 1000).toFixed(3)), Number(share.toFixed(4))];
    }),
  );
}
