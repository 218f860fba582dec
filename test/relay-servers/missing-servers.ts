import { prepareModelServers } from '../support/model-server.ts';

const environment = await prepareModelServers();

/** For the name of a test that needs a model server: empty, or why it is skipped on this machine. */
export const MISSING_SERVERS = 'missing' in environment ? `, skipped: ${environment.missing}` : '';
