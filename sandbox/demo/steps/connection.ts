import { connectionName, connectionYaml, place } from '../objects.ts';
import type { Scene } from '../scene.ts';

/** Gives the operator an identity to log in with. @returns what it applied */
export async function connect({ narrator, check, terminal, api }: Scene): Promise<string> {
  const { projectSlug } = place;
  const identity = await api.seedIdentity({
    name: 'leaseholder',
    grants: [
      {
        projectSlug,
        actions: [
          'lease',
          'create-root-credential',
          'read-root-credential',
          'edit-root-credential',
          'delete-root-credential',
        ],
      },
    ],
  });
  narrator.conceal(identity.clientSecret);
  narrator.say(
    `A machine identity of the lease API, which may make dynamic secrets in the project ${projectSlug}, and lease.`,
  );
  const yaml = connectionYaml(api.url, identity);
  await terminal.apply(yaml);
  await terminal.kubectl(
    'wait',
    '--for=condition=Ready',
    `infisicalconnection/${connectionName}`,
    '--timeout=30s',
  );
  await terminal.kubectl('get', 'infisicalconnections');
  check('the lease API counts one login', (await api.counts()).counts['login'], { anonymous: 1 });
  return yaml;
}
