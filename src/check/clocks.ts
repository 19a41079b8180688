import type { Finding } from './finding.ts';

/** What each clock says at one moment, in milliseconds since 1970. Undefined: its owner has told no time. */
export interface Clocks {
  readonly server: number | undefined;
  readonly kubernetes: number | undefined;
  readonly machine: number;
}

/** Beyond this many milliseconds tokens and certificates begin to fail. */
const TOLERATED = 60_000;

/** Whether clocks go together. Leases are reckoned in the server's own time, so a wrong one fails nothing by itself. */
export function clockFinding(host: string, { server, kubernetes, machine }: Clocks): Finding {
  const about = host;
  if (server === undefined) return { check: 'clock', about, result: 'skipped', message: 'It tells no time.' };
  const skews = [
    ['the Kubernetes API', kubernetes],
    ['this machine', machine],
  ] as const;
  const told = skews.flatMap(([whose, time]) =>
    time === undefined ? [] : [`${seconds(server - time)} that of ${whose}`],
  );
  const off = [kubernetes, machine].some((time) => Math.abs(server - (time ?? server)) > TOLERATED);
  const sentence = `Its clock is ${told.join(' and ')}.`;
  if (!off) return { check: 'clock', about, result: 'ok', message: sentence };
  const advice =
    'Leases are reckoned in its own time; tokens and certificates may be refused. Set the clocks.';
  return { check: 'clock', about, result: 'warns', message: `${sentence} ${advice}` };
}

/** An HTTP date tells whole seconds. */
function seconds(milliseconds: number): string {
  const whole = Math.round(milliseconds / 1000);
  if (Math.abs(whole) <= 1) return 'with';
  return `${String(Math.abs(whole))} s ${whole > 0 ? 'ahead of' : 'behind'}`;
}
