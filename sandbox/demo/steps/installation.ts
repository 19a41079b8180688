import { freePorts } from '../../control-plane/ports.ts';
import { serviceAccountUser } from '../../control-plane/service-account.ts';
import { installOperator, operatorAccount } from '../../operator/install.ts';
import { startOperatorProcess, type OperatorProcess } from '../../operator/operator.ts';
import { unread } from '../operator-log.ts';
import type { Scene, Surroundings, Telling } from '../scene.ts';
import { tellOperator } from './common.ts';

/**
 * Installs leaseholder as its README says and starts it.
 *
 * @param started is told of the operator before it is ready
 */
export async function install(
  telling: Telling,
  surroundings: Surroundings,
  started: (operator: OperatorProcess) => void,
): Promise<Scene> {
  const { narrator, check } = telling;
  const { plane, terminal } = surroundings;
  narrator.say('The kinds, then the namespace, identity and rights of the operator:');
  await installOperator(terminal.kubectl);

  const user = serviceAccountUser(operatorAccount);
  narrator.say('The operator is a process of its own; it has the token of its service account:');
  const kubeconfig = await plane.serviceAccountKubeconfig(operatorAccount);
  const [port = 0] = await freePorts(1);
  const address = `127.0.0.1:${String(port)}`;
  narrator.command(`npm start -- --kubeconfig ${kubeconfig} --listen ${address}`);
  const operator = startOperatorProcess({ kubeconfig, flags: ['--listen', address] });
  started(operator);
  await operator.ready();
  const scene = { ...telling, ...surroundings, operator, address, heard: unread(operator.lines) };
  tellOperator(scene);
  const may = (...args: string[]): Promise<string> =>
    terminal.quietly('auth', 'can-i', ...args, `--as=${user}`).then((answer) => answer.trim());
  check('its rights let it write Secrets', await may('create', 'secrets'), 'yes');
  return scene;
}
