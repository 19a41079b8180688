import { z } from 'zod';

/** A dynamic secret, as the server showed it last. */
export const observedDynamicSecret = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  version: z.int().optional(),
  defaultTTL: z.string().optional(),
  maxTTL: z.string().optional(),
  status: z.string().optional(),
  statusDetails: z.string().optional(),
});
