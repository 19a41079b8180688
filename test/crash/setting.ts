import path from 'node:path';

import { writeKubeconfig } from '../../sandbox/control-plane/kubeconfig.ts';
import { startProxy, type Proxy } from '../support/proxy.ts';
import type { ServerKind } from '../support/server-kind.ts';
import type { Surroundings } from '../support/surroundings.ts';
import { faultsInTurn, type Fault } from './faults.ts';
import { operatorsOf, type Operators } from './operators.ts';
import { startRecorder, type Recorder } from './recorder.ts';

/** What a life has to itself: a namespace, a proxy on each side of the operator, and who writes down what passes. */
export interface Setting extends AsyncDisposable {
  readonly namespace: string;
  /** The lease API's address for the operator. */
  readonly hostAPI: string;
  readonly recorder: Recorder;
  readonly operators: Operators;
  readonly proxies: readonly Proxy[];
}

export interface SettingOptions {
  readonly server: ServerKind;
  readonly faults: readonly Fault[];
  /** See `operatorsOf`. */
  readonly meanwhile: () => Promise<boolean>;
}

let settings = 0;

export async function settingOf(
  surroundings: Surroundings,
  { server, faults, meanwhile }: SettingOptions,
): Promise<Setting> {
  const { stage, servers, certificates, kubeCA, token } = surroundings;
  settings += 1;
  const namespace = `life-${String(settings)}`;
  await using stack = new AsyncDisposableStack();
  const recorder = startRecorder(faultsInTurn(faults), () => operators.crash());
  const kube = stack.use(
    await startProxy({ target: stage.plane.server, ca: kubeCA, certificates, handle: recorder.kube }),
  );
  const leaseApi = stack.use(await startProxy({ target: servers[server].url, handle: recorder.leaseApi }));
  const kubeconfig = path.join(stage.plane.directory, `kubeconfig-${namespace}`);
  const address = `https://127.0.0.1:${String(kube.port)}`;
  await writeKubeconfig(kubeconfig, { server: address, ca: certificates.ca, user: stage.user, token });
  const operators = stack.use(operatorsOf({ kubeconfig, namespace, meanwhile }));
  const hostAPI = `http://127.0.0.1:${String(leaseApi.port)}`;
  const all = stack.move();
  return {
    namespace,
    hostAPI,
    recorder,
    operators,
    proxies: [kube, leaseApi],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
