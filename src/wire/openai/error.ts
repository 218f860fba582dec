import {
  ERROR_KINDS,
  type ErrorType,
  type GatewayError,
  type GoogleStatus,
  type ServerStatus,
} from '../../errors.ts';

/** OpenAI's error envelope. Contract section 11.1. */
export interface ErrorBody {
  error: {
    message: string;
    type: ErrorType;
    param: string | null;
    code: string;
    /** Every problem of the request, when there are several. An addition of ours; SDKs ignore it. */
    problems?: readonly { param: string | null; message: string; code: string }[];
    /** The status of the Google upstream that refused the request. An addition of ours. */
    google?: GoogleStatus;
    /** What the model server said that refused the request. An addition of ours. */
    upstream?: ServerStatus;
  };
}

/** The envelope of an error. Total: every {@link GatewayError} has one. */
export function toErrorBody(error: GatewayError): ErrorBody {
  return {
    error: {
      message: error.message,
      type: ERROR_KINDS[error.code].type,
      param: error.param,
      code: error.code,
      ...(error.problems.length > 1 ? { problems: error.problems } : {}),
      ...(error.google === undefined ? {} : { google: error.google }),
      ...(error.upstream === undefined ? {} : { upstream: error.upstream }),
    },
  };
}
