export interface PostRequest {
  /** Port on the loopback interface. */
  readonly port: number;
  readonly body: string;
  /** Besides those that every request has. @default {} */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The bytes of a chat request. */
export function postRequest({ port, body, headers = {} }: PostRequest): Buffer {
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Content-Type: application/json',
    'Accept: */*',
    'User-Agent: parlance-bench',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
