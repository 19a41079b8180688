import { writeFile } from 'node:fs/promises';
import type { controlPlaneNames } from '../binaries/versions.ts';
import { apiServerCommand } from './api-server.ts';
import { auditPolicy } from './audit-policy.ts';
import { controllerManagerCommand } from './controller-manager.ts';
import { etcdCommand, etcdUrl, isEtcdHealthy } from './etcd.ts';
import { type Caretaker, type ControlPlaneFiles, prepareFolder, startCaretaker } from './folder.ts';
import { type Identities, prepareIdentities } from './identities.ts';
import { freePorts } from './ports.ts';
import { Service } from './service.ts';

export interface PartsOptions {
  readonly binaries: Readonly<Record<(typeof controlPlaneNames)[number], string>>;
  readonly controllerManager: boolean;
  readonly directory: string | undefined;
  readonly keepData: boolean;
  readonly extraApiServerArgs: readonly string[];
  readonly log: (line: string) => void;
}

/** What a control plane consists of; nothing of it runs yet. */
export interface Parts {
  readonly files: ControlPlaneFiles;
  /** Undefined when the folder is to stay. */
  readonly caretaker: Caretaker | undefined;
  readonly identities: Identities;
  readonly server: string;
  readonly etcd: Service;
  readonly isEtcdHealthy: () => Promise<boolean>;
  readonly apiServer: Service;
  readonly controllerManager: Service | undefined;
}

export async function prepareParts(options: PartsOptions): Promise<Parts> {
  const { binaries, log } = options;
  const files = await prepareFolder(options.directory);
  const caretaker = options.keepData ? undefined : startCaretaker(files.directory);
  const [identities, [port = 0, client = 0, peer = 0]] = await Promise.all([
    prepareIdentities(files),
    freePorts(3),
    writeFile(files.auditPolicy, JSON.stringify(auditPolicy)),
    // There from the start, so that it can be read before the first event.
    writeFile(files.auditLog, '', { flag: 'a', mode: 0o600 }),
  ]);
  const etcdPorts = { client, peer };
  const apiServer = apiServerCommand({
    file: binaries['kube-apiserver'],
    files,
    port,
    etcd: etcdUrl(etcdPorts),
    extraArgs: options.extraApiServerArgs,
  });
  const controllerManager = controllerManagerCommand(binaries['kube-controller-manager'], files);
  return {
    files,
    caretaker,
    identities,
    server: `https://127.0.0.1:${port}`,
    etcd: new Service(etcdCommand(binaries.etcd, files, etcdPorts), log),
    isEtcdHealthy: () => isEtcdHealthy(etcdPorts),
    apiServer: new Service(apiServer, log),
    controllerManager: options.controllerManager ? new Service(controllerManager, log) : undefined,
  };
}

/** Stops what runs, those that need others first, then removes the folder. */
export async function stopParts(parts: Parts, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
  await parts.controllerManager?.stop(signal);
  await parts.apiServer.stop(signal);
  await parts.etcd.stop(signal);
  await parts.caretaker?.remove();
}
