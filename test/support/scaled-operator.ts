/**
 * The shipped composition with every wait scaled, but for the deadline of events: what the sandbox's short lives need.
 *
 * Usage: node test/support/scaled-operator.ts FACTOR[/ELECTION] [FLAG ...]
 */
import { parseConfig } from '../../src/config.ts';
import { run } from '../../src/main.ts';
import { standardTiming } from '../../src/timing.ts';
import { timingOf } from './scale.ts';

const [factor = '1', ...flags] = process.argv.slice(2);
const parsed = parseConfig(flags, {});
if (!('config' in parsed)) throw new Error(`These flags are not good: ${flags.join(' ')}`);

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
// What an event may take is no wait, and no test waits for its end: on a busy machine events would be dropped.
const { eventDeadline } = standardTiming;
const timing = { ...timingOf(factor), eventDeadline };
process.exit(await run({ config: parsed.config, timing, environment: process.env, stop: stop.signal }));
