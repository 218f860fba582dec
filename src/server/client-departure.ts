import type { Socket } from 'node:net';
import { GatewayError } from '../errors.ts';

/** Why work for a client ends that has left. */
export function clientLeft(): GatewayError {
  return new GatewayError('cancelled', 'The client closed the connection.');
}

/** What waits for something on a client's behalf before there is work for it. */
export interface ClientWait {
  /** Aborted with {@link clientLeft}. */
  readonly signal: AbortSignal;
  /** Lets go of the connection. */
  release(): void;
}

export function waitForClient(socket: Socket): ClientWait {
  const controller = new AbortController();
  const leave = (): void => {
    controller.abort(clientLeft());
  };
  socket.once('close', leave);
  // It tells so once only.
  if (socket.destroyed) leave();
  return { signal: controller.signal, release: () => socket.off('close', leave) };
}
