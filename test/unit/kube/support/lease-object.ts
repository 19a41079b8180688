import { z } from 'zod';

import { KubeError } from '../../../../src/kube/kube-error.ts';
import type { ElectionOptions } from '../../../../src/kube/leader.ts';

const specSchema = z.object({
  holderIdentity: z.string(),
  leaseDurationSeconds: z.number(),
  renewTime: z.string(),
  acquireTime: z.string().optional(),
  leaseTransitions: z.number().optional(),
});
const bodySchema = z.object({ spec: specSchema });
const patchSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  spec: specSchema,
});

type LeaseSpec = z.infer<typeof specSchema>;

/** What becomes of a request: answered, done without an answer, refused, or left without an answer for ever. */
export type Fate = 'works' | 'lost' | 'hangs' | 'hangs, done' | KubeError;

/** One Lease of coordination.k8s.io on a server of its own, and what each candidate's requests meet. */
export class LeaseObject {
  /** Undefined: there is none. */
  spec: LeaseSpec | undefined;
  /** Every write that was done, as "identity verb". */
  readonly writes: string[] = [];
  readonly calls: string[] = [];
  readonly #fates = new Map<string, Fate>();
  #version = 1;

  /** What the requests of a candidate meet from now on. */
  set(identity: string, fate: Fate): void {
    this.#fates.set(identity, fate);
  }

  delete(): void {
    this.spec = undefined;
  }

  /** Somebody changes its labels. */
  touch(): void {
    this.#version += 1;
  }

  /** The server as one candidate sees it. */
  seenBy(identity: string): ElectionOptions['leases'] {
    const call = async (verb: string, act: () => unknown, signal?: AbortSignal): Promise<unknown> => {
      await Promise.resolve();
      this.calls.push(`${identity} ${verb}`);
      const fate = this.#fates.get(identity) ?? 'works';
      if (fate instanceof KubeError) throw fate;
      if (fate === 'hangs') return hang(verb, signal);
      const answer = act();
      if (verb !== 'get') this.writes.push(`${identity} ${verb}`);
      if (fate === 'hangs, done') return hang(verb, signal);
      if (fate === 'lost') throw new KubeError(`${verb} leases`, { reason: 'NoAnswer' });
      return answer;
    };
    return {
      get: (_name, options = {}) => call('get', () => this.#answer(), options.signal),
      create: (_namespace, body, options = {}) => call('create', () => this.#create(body), options.signal),
      mergePatch: (_name, patch, options = {}) => call('patch', () => this.#patch(patch), options.signal),
    };
  }

  #answer(): unknown {
    if (this.spec === undefined) throw new KubeError('get leases', { status: 404, reason: 'NotFound' });
    return { metadata: { resourceVersion: String(this.#version) }, spec: this.spec };
  }

  #create(body: unknown): unknown {
    if (this.spec !== undefined)
      throw new KubeError('create leases', { status: 409, reason: 'AlreadyExists' });
    this.spec = bodySchema.parse(body).spec;
    this.#version += 1;
    return this.#answer();
  }

  #patch(patch: unknown): unknown {
    const { metadata, spec } = patchSchema.parse(patch);
    if (this.spec === undefined) throw new KubeError('patch leases', { status: 404, reason: 'NotFound' });
    if (metadata.resourceVersion !== String(this.#version))
      throw new KubeError('patch leases', { status: 409, reason: 'Conflict' });
    this.spec = { ...this.spec, ...spec };
    this.#version += 1;
    return this.#answer();
  }
}

function hang(verb: string, signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(new KubeError(`${verb} leases`, { reason: 'Timeout' })));
  });
}
