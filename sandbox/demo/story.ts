import { keepUp } from './keep.ts';
import { seconds, type Narrator } from './narrator.ts';
import type { Course, Telling } from './scene.ts';
import { connect } from './steps/connection.ts';
import { declare, deleteDynamicSecret } from './steps/dynamic-secret.ts';
import { deleteLease, endOperator, loseSecret, readLedger } from './steps/ending.ts';
import { install } from './steps/installation.ts';
import { lease } from './steps/lease.ts';
import { readMetrics } from './steps/metrics.ts';
import { outlive, rotate } from './steps/rotation.ts';
import { getPrograms, startSurroundings } from './steps/surroundings.ts';

/** Plays the whole demo. @throws ExpectationFailed when something is not as it should be */
export async function play(telling: Telling, course: Course): Promise<void> {
  const { narrator } = telling;
  const { running, stay } = course;
  narrator.heading('leaseholder: the life of a lease, on a real Kubernetes API and a real PostgreSQL');
  await narrator.step('Get the programs of the Kubernetes control plane', () => getPrograms(telling));
  const surroundings = await narrator.step('Start what leaseholder works with', () =>
    startSurroundings(telling, course),
  );
  const scene = await narrator.step('Install leaseholder and start the operator', () =>
    install(telling, surroundings, (operator) => {
      course.onStarted({ operator: running.use(operator), terminal: surroundings.terminal });
    }),
  );
  const connection = await narrator.step('Connect it to the lease API', () => connect(scene));
  await narrator.step('Declare a dynamic secret', () => declare(scene));
  const first = await narrator.step('Ask for a lease of one minute', () => lease(scene));
  await narrator.step('Wait for the rotation', () => rotate(scene, first));
  await narrator.step('Wait for the end of the first lease', () => outlive(scene, first));
  const last = await narrator.step('Delete the Secret by hand', () => loseSecret(scene));
  await narrator.step('Delete the lease', () => deleteLease(scene, last));
  await narrator.step('Delete the dynamic secret and the connection', () => deleteDynamicSecret(scene));
  await narrator.step('Read the ledger', () => readLedger(scene));
  await narrator.step('Read the metrics', () => readMetrics(scene));
  if (stay !== undefined) await narrator.step('Keep it up', () => keepUp(scene, connection, stay));
  await narrator.step('End the operator', () => endOperator(scene, narrator.concealed()));
  summarise(narrator);
}

function summarise(narrator: Narrator): void {
  const steps = narrator.steps();
  narrator.heading('Everything was as it should be.');
  const lines = steps.map(({ title, took }, index) =>
    line(`${String(index + 1).padStart(2)}. ${title}`, took),
  );
  const total = steps.reduce((sum, { took }) => sum + took, 0);
  narrator.say(...lines, line('    All steps', total));
}

function line(title: string, took: number): string {
  return `${title.padEnd(52)} ${seconds(took).padStart(8)}`;
}
