import { OperatorProcess, RENEW_DEADLINE, type ProcessOptions, type ProcessParts } from './process.ts';

/** After this long without a renewal another may lead. */
const LEASE_DURATION = 15_000;

/**
 * Starts processes of the operator and has one of them lead. It stands for the real election: a leader that cannot
 * renew stops to believe in itself before another may take its place.
 */
export class Election {
  readonly processes: OperatorProcess[] = [];
  readonly #parts: ProcessParts;
  readonly #options: () => Omit<ProcessOptions, 'name'>;
  #count = 0;
  #vacantFrom = 0;

  constructor(parts: Omit<ProcessParts, 'ended'>, options: () => Omit<ProcessOptions, 'name'>) {
    this.#parts = { ...parts, ended: (process, why) => this.#replace(process, why) };
    this.#options = options;
  }

  /** The process that leads and can act. */
  get leader(): OperatorProcess | undefined {
    return this.processes.find((one) => one.alive && one.mayWrite());
  }

  start(): void {
    this.#count += 1;
    const process = new OperatorProcess(this.#parts, { name: `p${String(this.#count)}`, ...this.#options() });
    this.processes.push(process);
    this.#elect();
  }

  suspend(process: OperatorProcess, length: number): void {
    const { time, random } = this.#parts;
    const until = time.now + length;
    process.suspend(until);
    const led = process.leadsUntil !== undefined;
    const [stops, vacant] = [time.now + RENEW_DEADLINE, time.now + LEASE_DURATION];
    if (led) process.leadsUntil = Math.min(process.leadsUntil ?? 0, stops);
    if (led && until >= stops) {
      this.#vacantFrom = vacant;
      time.at(vacant, () => this.#elect(), false);
    }
    time.at(
      until,
      () => {
        if (!process.alive || process.suspended) return;
        if (!led) this.#elect();
        else if (time.now < stops) process.leadsUntil = Infinity;
        // It works on for a moment before it notices.
        else time.after(random.between(0, 2000), () => process.end('it no longer leads'), false);
      },
      false,
    );
  }

  #replace(process: OperatorProcess, why: string): void {
    const { time, random } = this.#parts;
    this.processes.splice(this.processes.indexOf(process), 1);
    if (process.mayWrite()) {
      this.#vacantFrom = why === 'drained' ? time.now : time.now + LEASE_DURATION;
      time.at(this.#vacantFrom, () => this.#elect(), false);
    }
    time.after(random.between(1000, 60_000), () => this.start(), false);
  }

  #elect(): void {
    const { time, random } = this.#parts;
    if (
      time.now < this.#vacantFrom ||
      this.processes.some((one) => one.leadsUntil !== undefined && one.mayWrite())
    )
      return;
    const candidate = this.processes.find(
      (one) => one.alive && !one.suspended && one.leadsUntil === undefined,
    );
    if (candidate === undefined) return;
    // From here on nobody else is chosen.
    candidate.leadsUntil = Infinity;
    time.after(random.between(0, 5000), () => candidate.within(() => candidate.lead()), false);
  }
}
