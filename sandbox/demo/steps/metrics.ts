import { documentedMetrics, exposedMetrics, withoutSample } from '../../observability/documented.ts';
import type { Scene } from '../scene.ts';

/** What is told again from the operator's side. */
const shown =
  /^leaseholder_(lease_requests|rotations|revocations|dynamic_secret_changes|logins)_total.* [1-9]/;

/** Asks the operator for its metrics: all that the documentation lists are there, and no other. */
export async function readMetrics({ narrator, check, address }: Scene): Promise<void> {
  const url = `http://${address}/metrics`;
  narrator.command(`curl -s ${url}`);
  const text = await (await fetch(url)).text();
  narrator.output(
    text
      .split('\n')
      .filter((line) => shown.test(line))
      .join('\n'),
  );
  const names = exposedMetrics(text);
  check(
    `it tells the ${String(names.length)} metrics that docs/metrics.md lists`,
    names.toSorted(),
    documentedMetrics().toSorted(),
  );
  check('each has a value, but for the ends of leases: there is none left', withoutSample(text).toSorted(), [
    'leaseholder_lease_expiry_timestamp_seconds',
    'leaseholder_lease_rotation_timestamp_seconds',
  ]);
}
