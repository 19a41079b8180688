/**
 * The lease API as a program of its own. When it is ready it prints one line of JSON: `{url, adminUrl, pid}`. It ends
 * on SIGTERM or SIGINT, and with `--until-stdin-closes` also when its parent is gone. `--write-limit 90`: so many requests
 * a minute of each route and source address; without it as many as come.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startLeaseApi } from './lease-api.ts';
import { PROFILES } from './refusal.ts';
import { VALIDATIONS } from './schemas.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'admin-port': { type: 'string', default: '0' },
    profile: { type: 'string', default: 'current' },
    validation: { type: 'string', default: 'strict' },
    'write-limit': { type: 'string' },
    'until-stdin-closes': { type: 'boolean', default: false },
  },
});
const port = z.coerce.number().int().min(0).max(65_535);
const writes = z.coerce.number().int().min(1).optional().parse(values['write-limit']);
const api = await startLeaseApi({
  port: port.parse(values.port),
  adminPort: port.parse(values['admin-port']),
  profile: z.enum(PROFILES).parse(values.profile),
  validation: z.enum(VALIDATIONS).parse(values.validation),
  ...(writes === undefined ? {} : { rateLimits: { write: writes, read: writes } }),
});
const stop = (): void => {
  void api.stop().then(() => process.stdin.destroy());
};
process.once('SIGTERM', stop).once('SIGINT', stop);
if (values['until-stdin-closes']) process.stdin.once('close', stop).resume();
process.stdout.write(`${JSON.stringify({ url: api.url, adminUrl: api.adminUrl, pid: process.pid })}\n`);
