import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { resolveBinaries } from '../binaries/resolve.ts';
import { controlPlaneNames } from '../binaries/versions.ts';
import { ApiClient } from './api-client.ts';
import { readServingCa } from './api-server.ts';
import { AuditLog } from './audit.ts';
import { awaitCondition } from './condition.ts';
import { writeKubeconfigs } from './identities.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { type Kubectl, kubectlIn } from './kubectl.ts';
import { type Parts, type PartsOptions, prepareParts, stopParts } from './parts.ts';
import {
  type ServiceAccountName,
  type TokenOptions,
  requestToken,
  serviceAccountUser,
} from './service-account.ts';

export interface ControlPlaneOptions {
  /** Whether namespaces and owned objects are really deleted and service accounts made. Default true. */
  readonly controllerManager?: boolean;
  /**
   * Where everything is kept. Default: a new folder in the system's temporary one. A named folder must be empty,
   * or one that a control plane was told to keep: its objects are then there again.
   */
  readonly directory?: string;
  /** Takes a line per step and per unexpected end of a process. Default: nothing is told. */
  readonly log?: (line: string) => void;
  /** Whether the folder stays after the end. Default false. */
  readonly keepData?: boolean;
  /** Further flags of kube-apiserver, after the sandbox's own. */
  readonly extraApiServerArgs?: readonly string[];
}

export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
}

/**
 * Starts etcd, kube-apiserver and kube-controller-manager on loopback and waits until the API is ready. They and
 * their folder go when this process ends, whatever ends it.
 *
 * @throws Error with the end of the log of the process that failed; nothing is left running then
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const { controllerManager = true, directory, keepData = false, extraApiServerArgs = [] } = options;
  const log = options.log ?? (() => undefined);
  const binaries = await resolveBinaries(controlPlaneNames, { log });
  const partsOptions = { binaries, controllerManager, directory, keepData, extraApiServerArgs, log };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(partsOptions);
    } catch (error) {
      // Another process took a port between the look and the start.
      if (attempt >= 3 || !String(error).includes('address already in use')) throw error;
      log('a port was taken by another process; starting again');
    }
  }
}

async function startOnce(options: PartsOptions): Promise<ControlPlane> {
  const { log } = options;
  const started = performance.now();
  const step = (text: string): void => log(`${((performance.now() - started) / 1000).toFixed(2)} s: ${text}`);
  const parts = await prepareParts(options);
  const { etcd, apiServer, controllerManager, files, identities, server } = parts;
  try {
    await etcd.start();
    // It makes its certificate while etcd starts, then waits for etcd by itself.
    await apiServer.start();
    await etcd.ready(parts.isEtcdHealthy);
    step('etcd is ready');
    const ca = await apiServer.ready(() => readServingCa(files));
    await writeKubeconfigs(files, identities, { server, ca });
    const api = new ApiClient(server, ca, identities.admin);
    await apiServer.ready(() => api.isHealthy('/readyz'));
    await controllerManager?.start();
    step(`kube-apiserver is ready at ${server}, in ${files.directory}`);
    return new ControlPlane(parts, api, options.binaries.kubectl);
  } catch (error) {
    await stopParts(parts, 'SIGKILL');
    throw error;
  }
}

/** A running control plane, with the admin's access to it and the faults that can be put on it. */
export class ControlPlane implements AsyncDisposable {
  /** `https://127.0.0.1:<port>`; the same for its whole life. */
  readonly server: string;
  /** PEM file of the CA by which `server` is verified. */
  readonly caFile: string;
  /** Path of the admin's kubeconfig. */
  readonly kubeconfig: string;
  /** Path of the audit log: JSON lines, never rotated. */
  readonly auditLog: string;
  readonly audit: AuditLog;
  /** Path of the kubectl binary. */
  readonly kubectl: string;
  /** Runs kubectl, by default as the admin, apart from the user's own configuration and caches. */
  readonly kubectlRun: Kubectl;
  readonly directory: string;
  readonly #parts: Parts;
  readonly #api: ApiClient;
  #stopped: Promise<void> | undefined;

  constructor(parts: Parts, api: ApiClient, kubectl: string) {
    const { files, server } = parts;
    this.#parts = parts;
    this.#api = api;
    this.server = server;
    this.caFile = files.caFile;
    this.kubeconfig = files.kubeconfig;
    this.auditLog = files.auditLog;
    this.audit = new AuditLog(files.auditLog, () => this.#settleAudit());
    this.kubectl = kubectl;
    this.kubectlRun = kubectlIn(files, kubectl);
    this.directory = files.directory;
  }

  /** The processes that run at this moment. */
  processes(): RunningProcess[] {
    const { etcd, apiServer, controllerManager } = this.#parts;
    return [etcd, apiServer, controllerManager].flatMap((service) =>
      service?.pid === undefined ? [] : [{ name: service.name, pid: service.pid }],
    );
  }

  /**
   * Writes a kubeconfig with a real token (TokenRequest, 24 h) for a service account. The namespace and the account
   * are made when they are missing; roles are the caller's business.
   *
   * @returns the kubeconfig's path
   */
  async serviceAccountKubeconfig(account: ServiceAccountName): Promise<string> {
    const token = await requestToken(this.#api, account);
    const file = path.join(this.directory, `kubeconfig-${account.namespace}-${account.name}`);
    const user = serviceAccountUser(account);
    const ca = await readFile(this.caFile, 'utf8');
    await writeKubeconfig(file, { server: this.server, ca, user, token, namespace: account.namespace });
    return file;
  }

  /** A real token for a service account; the namespace and the account are made when they are missing. */
  async serviceAccountToken(account: ServiceAccountName, options: TokenOptions = {}): Promise<string> {
    return requestToken(this.#api, account, options);
  }

  /** Ends kube-apiserver: by SIGTERM in order, by SIGKILL as a crash does. */
  async stopApiServer(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.#parts.apiServer.stop(signal);
  }

  /** Starts kube-apiserver after `stopApiServer`: same port, same data; waits until it is ready. */
  async startApiServer(): Promise<void> {
    await this.#parts.apiServer.start();
    await this.#apiServerReady();
  }

  async restartApiServer(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.stopApiServer(signal);
    await this.startApiServer();
  }

  /** Connections stay open and new ones are taken by the kernel, but nothing is answered. */
  pauseApiServer(): void {
    this.#parts.apiServer.pause();
  }

  resumeApiServer(): void {
    this.#parts.apiServer.resume();
  }

  /**
   * Restarts etcd on the same data and waits until kube-apiserver is ready again. In order that is an outage of some
   * 9 s, because etcd first waits for its watchers to leave; as a crash one of about 1 s.
   */
  async restartEtcd(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const { etcd, isEtcdHealthy } = this.#parts;
    await etcd.stop(signal);
    await etcd.start();
    await etcd.ready(isEtcdHealthy);
    await this.#apiServerReady();
  }

  /**
   * Restarts kube-controller-manager. A running one learns of new kinds every 30 s only: until then, objects that
   * are owned by an object of a new kind stay when that goes. After a restart it knows them within about a second.
   */
  async restartControllerManager(): Promise<void> {
    const { controllerManager } = this.#parts;
    if (controllerManager === undefined)
      throw new Error('This control plane has no kube-controller-manager.');
    // It keeps nothing that an orderly end would save.
    await controllerManager.stop('SIGKILL');
    await controllerManager.start();
  }

  /** Ends all processes and removes the folder, unless it is to be kept. May be called more than once. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    await this.#api.close();
    await stopParts(this.#parts);
  }

  async #apiServerReady(): Promise<void> {
    await this.#parts.apiServer.ready(() => this.#api.isHealthy('/readyz'));
  }

  /**
   * An event is written when the handler of its request returns, moments after a long answer has left. A marked
   * request that comes after all others is looked for in the log: when it is there, so are they.
   */
  async #settleAudit(): Promise<void> {
    const mark = `/version?audit-mark=${randomUUID()}`;
    const since = await this.audit.size();
    await this.#api.send(mark);
    await awaitCondition(
      async () => (await this.audit.eventsSoFar(since)).some((event) => event.requestURI === mark),
      { what: 'the audit log to be complete', intervalMs: 5, timeoutMs: 10_000 },
    );
  }
}
