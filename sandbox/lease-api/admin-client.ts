import { z } from 'zod';
import type { Control } from './control.ts';
import { outputs } from './control-schemas.ts';

const failure = z.object({ message: z.string() });

/** Operates a lease API that runs in a process of its own. @throws Error with the server's message. */
export function createAdminClient(adminUrl: string): Control {
  const calling =
    <S extends z.ZodType>(command: keyof Control, output: S) =>
    async (input: unknown = {}): Promise<z.output<S>> => {
      const response = await fetch(`${adminUrl}/${command}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(input),
      });
      const answer: unknown = await response.json();
      if (response.ok) return output.parse(answer);
      throw new Error(`${command}: ${failure.safeParse(answer).data?.message ?? response.statusText}`);
    };
  return {
    seedProject: calling('seedProject', outputs.project),
    seedFolder: calling('seedFolder', outputs.folder),
    removePlace: calling('removePlace', outputs.done),
    seedDynamicSecret: calling('seedDynamicSecret', outputs.secret),
    overrideDynamicSecret: calling('overrideDynamicSecret', outputs.done),
    seedIdentity: calling('seedIdentity', outputs.identity),
    setGrants: calling('setGrants', outputs.done),
    mintToken: calling('mintToken', outputs.token),
    killToken: calling('killToken', outputs.killed),
    armFault: calling('armFault', outputs.fault),
    disarmFaults: calling('disarmFaults', outputs.done),
    listFaults: calling('listFaults', outputs.faults),
    setSwitches: calling('setSwitches', outputs.switches),
    setClock: calling('setClock', outputs.now),
    advanceClock: calling('advanceClock', outputs.now),
    now: calling('now', outputs.now),
    readLedger: calling('readLedger', outputs.ledger),
    dynamicSecrets: calling('dynamicSecrets', outputs.declarations),
    clearDynamicSecretRequests: calling('clearDynamicSecretRequests', outputs.done),
    live: calling('live', outputs.live),
    principals: calling('principals', outputs.principals),
    counts: calling('counts', outputs.counts),
    pause: calling('pause', outputs.done),
    resume: calling('resume', outputs.done),
  };
}
