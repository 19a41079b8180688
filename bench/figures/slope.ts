/** What was seen of a value at an instant. */
export interface Point {
  /** Milliseconds since some instant. */
  readonly at: number;
  readonly value: number;
}

/** By how much a value grows in a minute: the slope of the line that is nearest by least squares. NaN for fewer than two instants. */
export function slopePerMinute(points: readonly Point[]): number {
  const mean = (of: (point: Point) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [at, value] = [mean((point) => point.at), mean((point) => point.value)];
  const spread = points.reduce((sum, point) => sum + (point.at - at) ** 2, 0);
  const together = points.reduce((sum, point) => sum + (point.at - at) * (point.value - value), 0);
  return (together / spread) * 60_000;
}
