import fastify, { type FastifyInstance } from 'fastify';
import { z, ZodError } from 'zod';
import type { Control } from './control.ts';

const parameters = z.object({ command: z.string() });

/**
 * The admin interface: `POST /{command}` with the command's input as JSON, for tests whose server runs in a process
 * of its own. Bad input is answered with 400, an unknown command with 404, a failing one with 500.
 */
export function createAdmin(control: Control): FastifyInstance {
  const app = fastify({ forceCloseConnections: true });
  app.setErrorHandler(async (error, _request, reply) => {
    const message = error instanceof Error ? error.message : String(error);
    await reply.code(error instanceof ZodError ? 400 : 500).send({ message });
  });
  app.post('/:command', async (request, reply) => {
    const { command } = parameters.parse(request.params);
    const run: unknown = Object.hasOwn(control, command) ? Reflect.get(control, command) : undefined;
    if (typeof run !== 'function') return reply.code(404).send({ message: `no command ${command}` });
    const output: unknown = await Reflect.apply(run, undefined, [request.body]);
    return output;
  });
  return app;
}
