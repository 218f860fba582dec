import type { PypiWheelSource } from './catalogue.ts';
import type { Transport } from './http-get.ts';
import { getJson } from './http-get.ts';
import { retryTransient } from './retry-transient.ts';
import { TransferFault } from './transfer-fault.ts';

/**
 * Asks the Python package index, through its JSON API, where the wheel of a release lies.
 *
 * @param indexOrigin such as `https://pypi.org`
 * @throws {TransferFault} when the release has no wheel
 */
export async function findWheelUrl(
  source: PypiWheelSource,
  indexOrigin: string,
  transport: Transport,
  signal: AbortSignal,
): Promise<string> {
  const url = `${indexOrigin}/pypi/${source.distribution}/${source.version}/json`;
  const release = await retryTransient(() => getJson(url, transport, signal), transport, signal);
  const files = property(release, 'urls');
  const wheel = Array.isArray(files)
    ? files.find((file: unknown) => property(file, 'packagetype') === 'bdist_wheel')
    : undefined;
  const wheelUrl = property(wheel, 'url');
  if (typeof wheelUrl !== 'string' || !URL.canParse(wheelUrl)) {
    throw new TransferFault(`the index lists no wheel of ${source.distribution} ${source.version}`);
  }
  return wheelUrl;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
