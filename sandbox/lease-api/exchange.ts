import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type LeaseTag, leaseTag } from './ledger.ts';
import type { RequestFault } from './faults.ts';
import type { Route } from './route.ts';
import type { SecretRow } from './secret-store.ts';
import type { TokenRow } from './tokens.ts';
import type { World } from './world.ts';

/** What the server knows of one request while it is under way. */
export interface Exchange {
  readonly route: Route;
  token: TokenRow | undefined;
  /** The faults that hit it, known once its body was read. */
  faults: readonly RequestFault[];
}

const exchanges = new WeakMap<FastifyRequest, Exchange>();

export function begin(request: FastifyRequest, route: Route): Exchange {
  const exchange: Exchange = { route, token: undefined, faults: [] };
  exchanges.set(request, exchange);
  return exchange;
}

/** @returns undefined for a request to no route of the API. */
export function exchangeOf(request: FastifyRequest): Exchange | undefined {
  return exchanges.get(request);
}

const tagged = z.looseObject({ config: z.looseObject({ leaseholder: leaseTag }) });
const configured = z.looseObject({ config: z.record(z.string(), z.unknown()) });
const nameInBody = z.looseObject({ dynamicSecretName: z.string().optional(), name: z.string().optional() });
const namedParameters = z.looseObject({ name: z.string().optional(), leaseId: z.string().optional() });

export function tagIn(body: unknown): LeaseTag | null {
  return tagged.safeParse(body).data?.config.leaseholder ?? null;
}

/** Whether the body has a `config` with anything in it. */
export function hasConfig(body: unknown): boolean {
  const config = configured.safeParse(body).data?.config;
  return config !== undefined && Object.keys(config).length > 0;
}

export function withoutConfig(body: unknown): unknown {
  const parsed = configured.safeParse(body);
  if (!parsed.success) return body;
  return Object.fromEntries(Object.entries(parsed.data).filter(([key]) => key !== 'config'));
}

/** The name of the dynamic secret that a request is about, from its body, its address, or its lease. */
export function secretNameOf(world: World, request: FastifyRequest): string | undefined {
  const { dynamicSecretName, name } = nameInBody.safeParse(request.body).data ?? {};
  const parameters = namedParameters.safeParse(request.params).data ?? {};
  const given = dynamicSecretName ?? name ?? parameters.name;
  return given?.toLowerCase() ?? secretOfLease(world, parameters.leaseId)?.name;
}

function secretOfLease({ leases, secrets }: World, leaseId = ''): SecretRow | undefined {
  const row = leases.get(leaseId);
  return row && secrets.get(row.dynamicSecretId);
}
