import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';

import { dashboardQueries } from '../../../tools/dashboard.ts';
import { alertsFile } from '../../support/alerts.ts';

const run = promisify(execFile);

/** Prometheus' own check of rules; most machines have it with the package "prometheus". */
async function promtool(...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run('promtool', args, { cwd: import.meta.dirname, timeout: 60_000 });
  return stdout + stderr;
}

const isHere = await promtool('--version').then(
  () => true,
  () => false,
);

/** Without promtool nothing is run here; that queries ask for what there is, and that stories are complete, is a unit test. */
describe.skipIf(!isHere)(
  'with promtool (where it is not, this is skipped: install the package "prometheus")',
  () => {
    test('the alerts are rules that Prometheus takes', async () => {
      expect(await promtool('check', 'rules', alertsFile)).toMatch(/SUCCESS: \d+ rules found/);
    });

    test('each alert fires when it should, and not when it should not', async () => {
      expect(await promtool('test', 'rules', 'alerts.promtool.yaml')).toContain('SUCCESS');
    });

    test('every query of the dashboard is one that Prometheus takes', async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'leaseholder-dashboard-'));
      try {
        const file = path.join(folder, 'queries.yaml');
        const rules = dashboardQueries.map((query, index) => ({
          record: `query:${String(index)}`,
          expr: query.replaceAll('$__rate_interval', '5m'),
        }));
        await writeFile(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
        const found = await promtool('check', 'rules', '--lint=none', file);
        expect(found).toContain(`SUCCESS: ${String(dashboardQueries.length)} rules found`);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  },
);
