import { GatewayError } from '../../errors.ts';
import { TransportError } from '../../upstream/transport-error.ts';
import { isPassing, unavailable } from '../unavailable.ts';

/**
 * Why a medium does not come: `unsupported_media`, this server does not fetch such a thing; `invalid_argument`, the place
 * the client named does not give it.
 */
type WebFaultCode = 'unsupported_media' | 'invalid_argument';

interface WebFaultOptions extends ErrorOptions {
  /** Whether it may come later. @default false */
  readonly mayPass?: boolean;
}

/** A medium that does not come. The message is the reason alone, a clause that goes after a colon. */
export class WebFault extends Error {
  override readonly name = 'WebFault';
  readonly code: WebFaultCode;
  readonly mayPass: boolean;

  constructor(code: WebFaultCode, reason: string, options: WebFaultOptions = {}) {
    super(reason, options);
    this.code = code;
    this.mayPass = options.mayPass ?? false;
  }

  /**
   * What a client is told. What is neither a fault nor a failure of the transport stays as it is; so does what was
   * written for a client already, such as the reason why all media of a request are given up.
   *
   * @param subject the medium, as it stands at the beginning of a sentence
   */
  static toGatewayFailure(error: unknown, subject: string): unknown {
    const fault = faultWithin(error);
    if (fault === undefined) return error;
    if (fault.code === 'unsupported_media')
      return new GatewayError(fault.code, `${subject} is not fetched: ${fault.message}.`, { cause: error });
    const message = `${subject} cannot be fetched: ${fault.message}.`;
    return unavailable(message, { mayPass: fault.mayPass, cause: error });
  }
}

/** A refusal to connect comes as the cause of the connection's failure. */
function faultWithin(error: unknown): WebFault | undefined {
  if (error instanceof GatewayError) return undefined;
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof WebFault) return current;
  }
  if (!(error instanceof TransportError)) return undefined;
  return new WebFault('invalid_argument', error.message, { mayPass: isPassing(error) });
}
