import { preparePythonEnvironment } from '../../scripts/python-env.ts';

const environment = await preparePythonEnvironment();

/** The Python that client programs run with; empty where there is none. */
export const PYTHON = 'missing' in environment ? '' : environment.python;

/** For the name of a test that needs it: empty, or why it is skipped on this machine. */
export const NO_PYTHON = 'missing' in environment ? `, skipped: ${environment.missing}` : '';
