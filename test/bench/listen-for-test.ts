import type { Server } from 'node:net';
import { onTestFinished } from 'vitest';
import { listen } from '../../scripts/listen.ts';

/** Lets a server take connections until the end of the test. @returns its port */
export async function listenForTest(server: Server): Promise<number> {
  onTestFinished(() => {
    server.close();
  });
  return listen(server);
}
