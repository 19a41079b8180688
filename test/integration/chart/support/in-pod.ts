import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { ControlPlane } from '../../../../sandbox/control-plane/control-plane.ts';
import { startOperatorProcess, type OperatorProcess } from '../../../../sandbox/operator/operator.ts';
import { RELEASE, root } from '../../../../tools/chart/places.ts';
import { containerOf, type Deployment } from './deployment.ts';

/**
 * Starts the operator as the container of a Deployment is started: with its options of Node and exactly its arguments, and
 * with a token of its service account in a folder, as a kubelet mounts it.
 *
 * @param environment beside that of the pod.
 */
export async function startAsPod(
  plane: ControlPlane,
  deployment: Deployment,
  environment: Readonly<Record<string, string>> = {},
): Promise<OperatorProcess> {
  const { namespace } = RELEASE;
  const name = deployment.spec.template.spec.serviceAccountName;
  const folder = path.join(plane.directory, `mounted-${name}`);
  await mkdir(folder, { recursive: true });
  const files = {
    token: await plane.serviceAccountToken({ namespace, name }),
    'ca.crt': await readFile(plane.caFile, 'utf8'),
    namespace,
  };
  for (const [file, content] of Object.entries(files)) await writeFile(path.join(folder, file), content);
  const { hostname, port } = new URL(plane.server);
  const { command, args } = containerOf(deployment);
  return startOperatorProcess({
    entry: [...optionsIn(command), path.join(root, 'src', 'main.ts')],
    flags: args,
    environment: {
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      LEASEHOLDER_SERVICE_ACCOUNT_FOLDER: folder,
      ...environment,
    },
  });
}

/** What stands between Node and the program. @throws Error where that is nothing. */
function optionsIn(command: readonly string[]): [string, ...string[]] {
  const [first, ...more] = command.slice(1, -1);
  if (first === undefined) throw new Error('The container starts Node without an option.');
  return [first, ...more];
}
