import { describe, expect, it } from 'vitest';

import { valueRows } from '../../../../tools/chart/values-doc.ts';

describe('the table of values', () => {
  it('has a row for each value, with its default and the words above it', () => {
    const text = [
      '# -- Replicas; one works.',
      'replicas: 2',
      '',
      'metrics:',
      '  # -- Port of the metrics,',
      '  # on all addresses.',
      '  port: 8080',
      '  monitor:',
      '    # Not for the table.',
      '    # -- Whether there is a | b.',
      '    enabled: false',
      '# -- Resources as a whole.',
      'resources:',
      '  requests: { cpu: 50m }',
    ].join('\n');
    expect(valueRows(text)).toEqual([
      '| `replicas` | `2` | Replicas; one works. |',
      '| `metrics.port` | `8080` | Port of the metrics, on all addresses. |',
      '| `metrics.monitor.enabled` | `false` | Whether there is a \\| b. |',
      '| `resources` | `{"requests":{"cpu":"50m"}}` | Resources as a whole. |',
    ]);
  });

  it('has a row without a default for a group that is explained', () => {
    const text = '# -- Where the image is.\nimage:\n  # -- Its tag.\n  tag: ""\n';
    expect(valueRows(text)).toEqual([
      '| `image` |  | Where the image is. |',
      '| `image.tag` | `""` | Its tag. |',
    ]);
  });

  it.each([
    ['a value', 'replicas: 2', 'replicas'],
    ['a value beside one that has words', '# -- A.\na: 1\nb: 2', 'b'],
    ['a value in a group', 'a:\n  # -- B.\n  b: 1\n  c: 2', 'a.c'],
  ])('is refused for %s without words', (_what, text, name) => {
    expect(() => valueRows(text)).toThrow(`does not say what ${name} is`);
  });
});
