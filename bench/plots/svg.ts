/** Attributes of an element, in the order in which they are written. */
export type Attributes = Readonly<Record<string, string | number>>;

/** An element, its children on lines of their own: so that a change of a figure is read as lines that changed. */
export function element(name: string, attributes: Attributes, children: readonly string[] = []): string {
  const opening = [name, ...Object.entries(attributes).map(([key, value]) => `${key}="${written(value)}"`)];
  if (children.length === 0) return `<${opening.join(' ')}/>`;
  return [`<${opening.join(' ')}>`, ...children, `</${name}>`].join('\n');
}

export function text(content: string, x: number, y: number, attributes: Attributes = {}): string {
  const opening = element('text', { x, y, ...attributes }).replace(/\/>$/, '>');
  return `${opening}${escaped(content)}</text>`;
}

/** A line through points, in pixels. */
export function polyline(
  points: readonly (readonly [x: number, y: number])[],
  attributes: Attributes,
): string {
  const places = points.map(([x, y]) => `${written(x)},${written(y)}`).join(' ');
  return element('polyline', { points: places, fill: 'none', 'stroke-linejoin': 'round', ...attributes });
}

/** Numbers to a tenth of a pixel, which nobody sees; text with what XML wants escaped. */
function written(value: string | number): string {
  return typeof value === 'number' ? String(Number(value.toFixed(1))) : escaped(value);
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign);
}
