import { awaitCondition } from '../../../../sandbox/control-plane/condition.ts';
import { freePorts } from '../../../../sandbox/control-plane/ports.ts';

/** Where a process is told to listen, and what it answers there. */
export interface Address {
  readonly address: string;
  readonly get: (path: string) => Promise<readonly [status: number, body: string]>;
}

export async function freeAddress(): Promise<Address> {
  const [port = 0] = await freePorts(1);
  const address = `127.0.0.1:${String(port)}`;
  return {
    address,
    get: async (path) => {
      const answer = await fetch(`http://${address}${path}`);
      return [answer.status, await answer.text()];
    },
  };
}

/** Resolves with what the probe says as soon as something listens. */
export function untilServed({ get }: Address): Promise<readonly [number, string]> {
  return awaitCondition(() => get('/livez').catch(() => undefined), { what: 'the probes' });
}
