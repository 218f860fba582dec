/**
 * The checking thread. Started by `check-thread.ts`, which ends it when a check takes too long: schemas and their
 * patterns come from clients, answers from models.
 */
import { parentPort } from 'node:worker_threads';
import { performCheck } from './check-answer.ts';
import type { CheckOrder, FromChecker } from './check-protocol.ts';

function send(message: FromChecker): void {
  parentPort?.postMessage(message, []);
}

parentPort?.on('message', (order: CheckOrder) => {
  send(performCheck(order));
});
send({ kind: 'ready' });
