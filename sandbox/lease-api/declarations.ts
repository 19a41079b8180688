import { z } from 'zod';
import type { Method } from './route.ts';
import type { SecretRow } from './secret-store.ts';
import type { World } from './world.ts';

/** One request to make, change or remove a dynamic secret, as it came: **with every credential in its body**. */
export const declaration = z.object({
  /** Milliseconds on the server's clock. */
  at: z.number(),
  method: z.enum(['POST', 'PATCH', 'DELETE']),
  /** The name that it was asked for: in the address, or for a POST in the body. */
  name: z.string().nullable(),
  by: z.string(),
  body: z.unknown(),
  /** Whether it was answered with 200; false also while it is under way. */
  done: z.boolean(),
});
export type Declaration = z.infer<typeof declaration>;

/** A dynamic secret that exists now. Of its inputs only the names. */
export const declaredSecret = z.object({
  dynamicSecretId: z.string(),
  projectSlug: z.string(),
  environmentSlug: z.string(),
  path: z.string(),
  name: z.string(),
  type: z.string(),
  defaultTTL: z.string(),
  maxTTL: z.string().nullable(),
  usernameTemplate: z.string().nullable(),
  metadata: z.array(z.object({ key: z.string(), value: z.string() })),
  status: z.string().nullable(),
  statusDetails: z.string().nullable(),
  inputs: z.array(z.string()),
  /** How many leases it has. */
  leases: z.number(),
});

/** What came in about dynamic secrets, for tests that hold a client to its requests. */
export class Declarations {
  #received: Declaration[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Books a request and runs it. */
  async during<Result>(
    request: {
      readonly method: Declaration['method'] & Method;
      name: string | null;
      by: string;
      body: unknown;
    },
    run: () => Result | Promise<Result>,
  ): Promise<Result> {
    const entry = { at: this.#now(), ...request, body: structuredClone(request.body), done: false };
    this.#received.push(entry);
    const result = await run();
    entry.done = true;
    return result;
  }

  all(): Declaration[] {
    return this.#received.map((entry) => ({ ...entry }));
  }

  clear(): void {
    this.#received = [];
  }
}

export function declaredSecretOf(world: World, row: SecretRow): z.infer<typeof declaredSecret> {
  const { projectSlug, environmentSlug, path } = row.folder;
  return {
    dynamicSecretId: row.id,
    projectSlug,
    environmentSlug,
    path,
    name: row.name,
    type: row.type,
    defaultTTL: row.defaultTTL,
    maxTTL: row.maxTTL,
    usernameTemplate: row.usernameTemplate,
    metadata: row.metadata.map((entry) => ({ ...entry })),
    status: row.status,
    statusDetails: row.statusDetails,
    inputs: Object.keys(row.inputs),
    leases: world.leases.count(row.id),
  };
}
