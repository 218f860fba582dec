import { type Gate, Gatekeeper } from '../../src/auth/inbound/gatekeeper.ts';
import { StaticKeys } from '../../src/auth/inbound/static-keys.ts';

/** The same gate on all routes; without keys it is open. */
export function gatekeeperOf(gate: Gate | readonly string[] | undefined): Gatekeeper {
  const guard = gateOf(gate);
  return new Gatekeeper({ vertex: guard, devapi: guard, plain: guard });
}

function gateOf(gate: Gate | readonly string[] | undefined): Gate {
  if (gate === undefined) return { kind: 'open' };
  return 'kind' in gate ? gate : { kind: 'closed', keys: new StaticKeys(gate), authenticators: [] };
}
