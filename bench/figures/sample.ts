import { z } from 'zod';

import type { AuditEvent } from '../../sandbox/control-plane/audit.ts';
import { createLeases, deleteLeases, untilAll, type LeaseName } from '../world/fleet.ts';
import type { World } from '../world/world.ts';

/** What the operator writes for a lease, to be written again by somebody who does nothing else. */
export interface Sample {
  /** The merge patch of finalizer and annotation. */
  readonly announcement: object;
  /** The whole Secret, without what the API server has put in. */
  readonly secret: { readonly metadata: object; readonly data: object };
  /** The status. */
  readonly status: object;
}

const announcement = z.object({
  metadata: z.looseObject({ resourceVersion: z.string(), finalizers: z.array(z.string()) }),
});
const report = z.object({ status: z.looseObject({}) });
const written = z.object({
  metadata: z.looseObject({
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
  }),
  type: z.string(),
  data: z.record(z.string(), z.string()),
});

/** Has the operator lease once and clean up behind itself, and keeps what it sent. All is warm after that, too. */
export async function takeSample(world: World, namespace: string): Promise<Sample> {
  const lease: LeaseName = { namespace, name: 'sample' };
  const { audit } = world.plane;
  const since = await audit.mark();
  const operator = world.launch();
  await operator.ready();
  await createLeases(world, [lease]);
  await untilAll(world, { leases: 1 });
  const secret = written.parse(
    await world.admin.read({ method: 'GET', path: `/api/v1/namespaces/${namespace}/secrets/sample` }),
  );
  const events = (await audit.events(since)).filter(
    ({ user, name }) => user === world.user && name === lease.name,
  );
  await deleteLeases(world, [lease]);
  await untilAll(world, { leases: 0 });
  await operator.stop();
  const { labels, annotations } = secret.metadata;
  return {
    announcement: unguarded(announcement.parse(bodyOf(events, 'dynamicsecretleases'))),
    secret: { ...secret, metadata: { labels, annotations } },
    status: report.parse(bodyOf(events, 'dynamicsecretleases/status')).status,
  };
}

function bodyOf(events: readonly AuditEvent[], resource: string): unknown {
  return events.find((event) => event.resource === resource)?.requestObject;
}

/** The version is another for each object, and reading it would cost whoever writes no more than this. */
function unguarded({ metadata }: z.infer<typeof announcement>): object {
  const { resourceVersion: _, ...rest } = metadata;
  return { metadata: rest };
}
