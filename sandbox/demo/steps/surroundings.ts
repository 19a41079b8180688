import { resolveBinaries } from '../../binaries/resolve.ts';
import { binaryVersions, controlPlaneNames, kubernetesVersion } from '../../binaries/versions.ts';
import { startControlPlane } from '../../control-plane/control-plane.ts';
import { startLeaseApi } from '../../lease-api/lease-api.ts';
import { startPostgres } from '../../postgres/start.ts';
import { place } from '../objects.ts';
import type { Course, Surroundings, Telling } from '../scene.ts';
import { openShop, orderCount, question } from '../shop.ts';
import { openTerminal } from '../terminal.ts';

/** Finds the programs of the control plane; gets them when this is the first run. */
export async function getPrograms({ narrator }: Telling): Promise<void> {
  narrator.say(
    'Looked for in KUBEBUILDER_ASSETS and in the cache of earlier runs. What is missing is downloaded,',
    'or built with Go: that takes minutes, once.',
  );
  const found = await resolveBinaries(controlPlaneNames, { log: (line) => narrator.output(line) });
  for (const name of controlPlaneNames) narrator.output(`${name} ${binaryVersions[name]}: ${found[name]}`);
}

/** Starts everything that leaseholder works with. What is started ends with the course. */
export async function startSurroundings(
  { narrator, check }: Telling,
  { running, interrupted }: Pick<Course, 'running' | 'interrupted'>,
): Promise<Surroundings> {
  narrator.say('All on this machine, on loopback, in temporary folders that go away at the end.');
  const [postgres, plane] = await Promise.all([
    startPostgres().then((started) => running.use(started)),
    startControlPlane().then((started) => running.use(started)),
  ]);
  const shop = running.use(await openShop(postgres));
  const api = running.use(await startLeaseApi());
  narrator.say(
    `PostgreSQL 18 on ${postgres.host}:${String(postgres.port)}: database ${shop.database}, table orders with ${String(orderCount)} rows`,
    `Kubernetes ${kubernetesVersion} at ${plane.server}: etcd, kube-apiserver, kube-controller-manager`,
    `Lease API at ${api.url}: answers as Infisical does, its leases are users of that database`,
  );
  const { projectSlug, environmentSlug } = place;
  await api.seedProject({ slug: projectSlug, environments: [{ slug: environmentSlug }] });
  narrator.say(
    `It has a project ${projectSlug} with an environment ${environmentSlug}, and nothing in there yet.`,
    `Each user that will be made will be asked to run: ${question}`,
  );
  check('the lease API has no dynamic secret', (await api.dynamicSecrets()).dynamicSecrets, []);
  check('nobody but the administrator can log in to the database so far', await shop.users(), []);
  return { plane, api, shop, terminal: openTerminal(plane, narrator, interrupted) };
}
