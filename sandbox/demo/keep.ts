import path from 'node:path';

import { dynamicSecretYaml, leaseName, leaseYaml } from './objects.ts';
import type { Scene } from './scene.ts';
import { question, type Shop } from './shop.ts';
import { showLog, tellOperator } from './steps/common.ts';

export interface Address {
  /** Path of the kubectl binary. */
  readonly kubectl: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly shop: Pick<Shop, 'host' | 'port' | 'database'>;
}

/** What to type in another terminal, once, so that kubectl and psql work on the demo's cluster and database. */
export function exports({ kubectl, kubeconfig, shop }: Address): string {
  // The template is shell text, and a password has characters that a shell would read: hence the inner quotes.
  const variables = `export PGUSER='${value('DB_USERNAME')}' PGPASSWORD='${value('DB_PASSWORD')}'`;
  return [
    `export PATH='${path.dirname(kubectl)}':"$PATH"`,
    `export KUBECONFIG='${kubeconfig}'`,
    `export PGHOST=${shop.host} PGPORT=${String(shop.port)} PGDATABASE=${shop.database}`,
    `login() { eval "$(kubectl get secret ${leaseName} -o go-template="${variables}")"; }`,
  ].join('\n');
}

/** A key of the Secret, in the language of kubectl's go-template. */
function value(key: string): string {
  return `{{.data.${key} | base64decode}}`;
}

/** How often new lines of the operator's log are looked for, in milliseconds. */
const logInterval = 500;

/** Applies everything once more and leaves it up for as long as `stay` takes. @param connectionYaml of the connection */
export async function keepUp(scene: Scene, connectionYaml: string, stay: () => Promise<void>): Promise<void> {
  const { narrator, terminal, plane, shop } = scene;
  await terminal.apply([connectionYaml, dynamicSecretYaml(shop.inputs), leaseYaml(shop)].join('---\n'));
  await terminal.kubectl('wait', '--for=condition=Ready', `dsl/${leaseName}`, '--timeout=30s');
  await terminal.kubectl('get', 'dynsec,dsl');
  tellOperator(scene);
  narrator.say('', 'All of it stays up. In another terminal, first:', '');
  narrator.output(exports({ kubectl: plane.kubectl, kubeconfig: plane.kubeconfig, shop }));
  narrator.say(
    '',
    'Then, for example (psql is your own; login reads the Secret, repeat it after a rotation):',
    '',
  );
  narrator.output(`kubectl get dsl -w\nlogin && psql -c '${question}'\nkubectl delete dsl ${leaseName}`);
  narrator.say('', "Ctrl-C here ends and removes everything. Until then, the operator's log:");
  const showing = setInterval(() => showLog(scene), logInterval);
  await stay();
  clearInterval(showing);
}
