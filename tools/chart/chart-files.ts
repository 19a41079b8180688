import { renderDashboard } from '../dashboard.ts';
import { CHART } from './places.ts';
import { renderRbac } from './rbac.ts';
import { renderValuesDoc } from './values-doc.ts';

/**
 * The files that the chart is made of and that its sources make, by their paths from the root; Markdown is not laid out yet.
 *
 * @param crds the files of crds/, by their paths.
 */
export function chartFiles(crds: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [name, text] of crds) files.set(`${CHART}/files/${name}`, text);
  files.set(`${CHART}/files/dashboard.json`, renderDashboard());
  files.set(`${CHART}/README.md`, renderValuesDoc());
  return files.set('deploy/rbac.yaml', renderRbac());
}
