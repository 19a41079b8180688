import { z } from 'zod';

import { connectionKinds } from './lease.ts';
import { objectName } from './object.ts';

/** Names the connection that an object uses. */
export const connectionRef = z.object({
  kind: z
    .enum(connectionKinds)
    .default('InfisicalConnection')
    .describe(
      'InfisicalConnection (default), in the same namespace, or ClusterInfisicalConnection, which must grant what is leased to this namespace.',
    ),
  name: objectName.describe('Name of the connection.'),
});

export type ConnectionRef = z.infer<typeof connectionRef>;
