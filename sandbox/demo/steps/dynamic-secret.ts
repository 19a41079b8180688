import {
  administratorName,
  connectionName,
  dynamicSecretName,
  dynamicSecretYaml,
  loginName,
  place,
} from '../objects.ts';
import type { Scene } from '../scene.ts';
import { tellOperator } from './common.ts';

/** Declares what makes the users; the operator has the server make it. */
export async function declare(scene: Scene): Promise<void> {
  const { narrator, check, terminal, shop, api } = scene;
  const { password } = shop.inputs;
  narrator.conceal(password);
  narrator.say(
    'What makes users of the database, and removes them. The password of its administrator is in a Secret:',
  );
  await terminal.apply(dynamicSecretYaml(shop.inputs));
  await terminal.kubectl('wait', '--for=condition=Ready', `dynsec/${dynamicSecretName}`, '--timeout=30s');
  await terminal.kubectl('get', 'dynsec');
  tellOperator(scene);
  const { dynamicSecrets } = await api.dynamicSecrets();
  const made = dynamicSecrets.map(({ name, projectSlug, environmentSlug, type }) => ({
    name,
    projectSlug,
    environmentSlug,
    type,
  }));
  check('the lease API has it, and no other', made, [
    { name: dynamicSecretName, ...place, type: 'sql-database' },
  ]);
  const object = await terminal.quietly('get', 'dynsec', dynamicSecretName, '-o', 'json');
  check('the object and its status hold no password', object.includes(password), false);
  check('PostgreSQL has no user of it yet', await shop.users(), []);
}

/** Deletes what is left of the demo's objects, and looks at both servers for what is left of them. */
export async function deleteDynamicSecret(scene: Scene): Promise<void> {
  const { narrator, check, terminal, shop, api } = scene;
  narrator.say('Both at once: the connection is kept until the dynamic secret is gone from the server.');
  await terminal.kubectl(
    'delete',
    `infisicalconnection/${connectionName}`,
    `dynsec/${dynamicSecretName}`,
    '--timeout=30s',
  );
  await terminal.kubectl('delete', 'secret', loginName, administratorName);
  tellOperator(scene);
  const { dynamicSecrets } = await api.dynamicSecrets();
  check('the lease API has no dynamic secret', dynamicSecrets, []);
  check('it has no lease', (await api.live()).leases, []);
  check('it has made no user that it has lost sight of', (await api.principals()).unleased, []);
  check('PostgreSQL has no user but the administrator', await shop.users(), []);
  narrator.say('Nothing is left on the servers.');
}
