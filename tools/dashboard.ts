/**
 * The Grafana dashboard. `tools/generate.ts` writes it to where the chart has it; `tools/dashboard-panels.ts` says what it shows.
 */
import { rows, type Panel } from './dashboard-panels.ts';

const WIDTH = 24;
const COLUMNS = 4;
const HEIGHT = 7;

/** Every query of the dashboard, for who checks that its metrics exist. */
export const dashboardQueries: readonly string[] = Object.values(rows).flatMap((panels) =>
  panels.flatMap(({ queries }) => Object.values(queries)),
);

/** The dashboard as JSON that Grafana imports. */
export function renderDashboard(): string {
  let [y, id] = [0, 0];
  const panels = Object.entries(rows).flatMap(([title, inRow]) => {
    id += 1;
    const head = {
      id,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
      panels: [],
    };
    y += 1;
    const placed = inRow.map((panel, index) => {
      id += 1;
      const gridPos = {
        x: (index % COLUMNS) * (WIDTH / COLUMNS),
        y: y + Math.floor(index / COLUMNS) * HEIGHT,
        w: WIDTH / COLUMNS,
        h: HEIGHT,
      };
      return renderPanel(panel, { id, gridPos });
    });
    y += Math.ceil(inRow.length / COLUMNS) * HEIGHT;
    return [head, ...placed];
  });
  const dashboard = {
    uid: 'leaseholder',
    title: 'leaseholder',
    tags: ['leaseholder'],
    schemaVersion: 39,
    version: 1,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [source, variable('namespace'), variable('job')] },
    panels,
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

const source = { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' };

function variable(label: string): object {
  const query = `label_values(leaseholder_leading, ${label})`;
  return {
    name: label,
    type: 'query',
    label,
    datasource: { type: 'prometheus', uid: '${datasource}' },
    query: { query, refId: label },
    definition: query,
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  };
}

function renderPanel(
  { title, about, unit = 'short', kind = 'timeseries', queries }: Panel,
  place: object,
): object {
  const datasource = { type: 'prometheus', uid: '${datasource}' };
  return {
    ...place,
    type: kind,
    title,
    description: about,
    datasource,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: {},
    targets: Object.entries(queries).map(([legendFormat, expr], index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource,
      expr,
      legendFormat,
      ...(kind === 'table' ? { instant: true, format: 'table' } : {}),
    })),
  };
}
