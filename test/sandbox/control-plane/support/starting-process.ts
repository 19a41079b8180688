// Starts a control plane in a process of its own, tells where, and stays until it is ended.
import { startControlPlane } from '../../../../sandbox/control-plane/control-plane.ts';
import { stopOnSignal } from '../../../../sandbox/control-plane/termination.ts';

const controlPlane = await startControlPlane();
stopOnSignal(() => controlPlane.stop());
console.log(controlPlane.directory);
