import path from 'node:path';
import { request } from 'undici';
import type { ControlPlaneFiles } from './folder.ts';
import type { ServiceCommand } from './service.ts';

export interface EtcdPorts {
  readonly client: number;
  readonly peer: number;
}

/** A single member on loopback that trusts the machine not to lose power: no fsync. */
export function etcdCommand(file: string, files: ControlPlaneFiles, ports: EtcdPorts): ServiceCommand {
  const client = etcdUrl(ports);
  const peer = `http://127.0.0.1:${ports.peer}`;
  return {
    name: 'etcd',
    file,
    logFile: path.join(files.logs, 'etcd.log'),
    args: [
      '--name=sandbox',
      `--data-dir=${files.etcdData}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=sandbox=${peer}`,
      '--unsafe-no-fsync',
      // A single member waits out an election before it serves: by default up to a second of every start. Milliseconds.
      '--heartbeat-interval=20',
      '--election-timeout=200',
      '--quota-backend-bytes=4294967296',
      '--log-level=warn',
    ],
  };
}

export function etcdUrl({ client }: EtcdPorts): string {
  return `http://127.0.0.1:${client}`;
}

export async function isEtcdHealthy(ports: EtcdPorts): Promise<boolean> {
  try {
    const answer = await request(`${etcdUrl(ports)}/health`, { signal: AbortSignal.timeout(5000) });
    await answer.body.dump();
    return answer.statusCode === 200;
  } catch {
    return false;
  }
}
