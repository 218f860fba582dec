import { findProgram } from '../../scripts/find-program.ts';

/** This machine's own gcloud; empty where it has none. */
export const GCLOUD = findProgram('gcloud') ?? '';

/** For the name of a test that needs it: empty, or why it is skipped on this machine. */
export const NO_GCLOUD = GCLOUD === '' ? ', skipped: this machine has no gcloud' : '';

/** Variables that keep gcloud from asking anybody anything but what it is told to. */
export const QUIET_GCLOUD = {
  CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
  CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
  CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: 'true',
  CLOUDSDK_CORE_CHECK_GCE_METADATA: 'false',
};
