/**
 * The root of a model server's API, under which `/chat/completions` and `/models` lie: a path of the base URL is that
 * root, as in the base URLs of OpenAI's SDKs; without a path it is `/v1`.
 *
 * @param url absolute, without query and `#`
 * @returns without a slash at its end, such as `http://10.0.0.5:8000/v1`; host and default port as in every URL's normal form
 * @throws {TypeError} when it is no URL
 */
export function apiRoot(url: string): string {
  const { origin, pathname } = new URL(url);
  const path = pathname.replace(/\/+$/, '');
  return origin + (path === '' ? '/v1' : path);
}
