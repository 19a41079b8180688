import { describe, expect, test } from 'vitest';
import { z } from 'zod';

import { rows } from '../../../tools/dashboard-panels.ts';
import { dashboardQueries, renderDashboard } from '../../../tools/dashboard.ts';
import { describedMetrics } from '../../../tools/metrics-doc.ts';
import { faultsOf } from '../../support/promql.ts';

const metrics = await describedMetrics();

const place = z.object({ x: z.int().min(0), y: z.int().min(0), w: z.int().min(1), h: z.int().min(1) });

const panel = z.looseObject({
  id: z.int(),
  type: z.enum(['timeseries', 'stat', 'table']),
  title: z.string().min(1),
  description: z.string().min(1),
  gridPos: place,
  datasource: z.object({ type: z.literal('prometheus'), uid: z.literal('${datasource}') }),
  fieldConfig: z.looseObject({
    defaults: z.looseObject({ unit: z.enum(['short', 's', 'ops', 'bytes', 'percentunit']) }),
  }),
  targets: z
    .array(z.looseObject({ refId: z.string().regex(/^[A-Z]$/), expr: z.string(), legendFormat: z.string() }))
    .min(1),
});

/** What Grafana needs to import a dashboard. */
const dashboard = z.looseObject({
  uid: z.literal('leaseholder'),
  title: z.string(),
  schemaVersion: z.literal(39),
  templating: z.object({ list: z.array(z.looseObject({ name: z.string(), type: z.string() })) }),
  panels: z.array(z.union([z.looseObject({ id: z.int(), type: z.literal('row'), gridPos: place }), panel])),
});

const rendered = dashboard.parse(JSON.parse(renderDashboard()));

describe('the dashboard', () => {
  test('has a variable for each that its queries name, the data source among them', () => {
    const names = rendered.templating.list.map(({ name }) => name);
    const used = JSON.stringify(rendered.panels).matchAll(/\$\{?([a-z]\w*)/g);
    expect([...new Set([...used].map(([, name = '']) => name))].toSorted()).toEqual(names.toSorted());
    expect(rendered.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' });
  });

  test('has panels that do not overlap, each with an id of its own', () => {
    const { panels } = rendered;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from(
        { length: w * h },
        (_, cell) => `${String(x + (cell % w))} ${String(y + Math.floor(cell / w))}`,
      ),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });

  test('shows every query of its panels', () => {
    const shown = rendered.panels.flatMap((one) => (one.type === 'row' ? [] : panel.parse(one).targets));
    expect(shown.map(({ expr }) => expr)).toEqual(dashboardQueries);
  });

  test.each(dashboardQueries)('asks for metrics and labels that there are: %s', (query) => {
    expect(faultsOf(query, metrics)).toEqual([]);
  });

  test('leaves out no metric of ours', () => {
    const asked = dashboardQueries.join('\n');
    const missing = metrics.filter(({ name }) => !asked.includes(name)).map(({ name }) => name);
    expect(missing).toEqual([]);
  });

  test.each(Object.values(rows).flat())(
    'names series of "$title" by labels that its query keeps',
    ({ queries }) => {
      for (const [legend, query] of Object.entries(queries)) {
        const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
        const kept = /by \(([^)]*)\)/.exec(query)?.[1]?.split(/, */);
        // What is not summed up keeps what Prometheus adds, the pod among it.
        for (const label of named) expect(kept ?? ['pod']).toContain(label);
      }
    },
  );
});
