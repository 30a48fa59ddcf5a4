// The package's thread script as a worker of node; workerData names the bundle.
import { parentPort, workerData } from 'node:worker_threads';

globalThis.self = globalThis;
globalThis.postMessage = (message) => parentPort.postMessage(message);
globalThis.close = () => process.exit();
await import(workerData);
parentPort.on('message', (data) => globalThis.onmessage({ data }));
