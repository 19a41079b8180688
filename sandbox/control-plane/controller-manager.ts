import path from 'node:path';
import type { ControlPlaneFiles } from './folder.ts';
import type { ServiceCommand } from './service.ts';

/** Those that objects without pods need: deletion of namespaces and of owned objects, accounts, aggregated roles. */
const controllers = [
  'namespace-controller',
  'garbage-collector-controller',
  'serviceaccount-controller',
  'clusterrole-aggregation-controller',
];

export function controllerManagerCommand(file: string, files: ControlPlaneFiles): ServiceCommand {
  return {
    name: 'kube-controller-manager',
    file,
    logFile: path.join(files.logs, 'kube-controller-manager.log'),
    args: [
      `--kubeconfig=${files.controllerManagerKubeconfig}`,
      `--controllers=${controllers.join(',')}`,
      '--use-service-account-credentials=false',
      '--leader-elect=false',
      // Serves nothing: no port, no certificate to make.
      '--secure-port=0',
      '--kube-api-qps=200',
      '--kube-api-burst=400',
    ],
  };
}
