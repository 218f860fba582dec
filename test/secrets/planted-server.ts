/** A real server that was given secrets, and all that can be seen of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { ServeProcess } from '../process/serve-process.ts';
import { makePlantedConfig, type PlantedConfig } from './planted-config.ts';
import { Plants, type Sight } from './plants.ts';
import { RepeatingUpstream } from './repeating-upstream.ts';

export interface Sent {
  /** Whose secrets may be in the answer. */
  readonly owner: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether the client leaves when the first piece of the answer is there. */
  readonly leaves?: boolean;
}

export interface Got {
  /** 0 where the connection broke before. */
  readonly status: number;
  readonly text: string;
}

interface Parts {
  readonly plants: Plants;
  readonly upstream: RepeatingUpstream;
  readonly folder: string;
  readonly config: PlantedConfig;
  readonly process: ServeProcess;
}

export class PlantedServer implements AsyncDisposable {
  readonly plants: Plants;
  readonly upstream: RepeatingUpstream;
  /** For files of tests. */
  readonly folder: string;
  readonly config: PlantedConfig;
  readonly process: ServeProcess;
  readonly url: string;
  readonly #answers: Sight[] = [];
  /** Ids of requests whose line in the log is still to come. */
  readonly #unlogged = new Set<string>();
  /** Of answers, of requests and of the log, how much was looked at. */
  readonly #seen = { answers: 0, requests: 0, output: 0 };

  private constructor({ plants, upstream, folder, config, process }: Parts, url: string) {
    this.plants = plants;
    this.upstream = upstream;
    this.folder = folder;
    this.config = config;
    this.process = process;
    this.url = url;
  }

  static async start(): Promise<PlantedServer> {
    const plants = new Plants();
    const upstream = await RepeatingUpstream.start(plants);
    const folder = await mkdtemp(join(tmpdir(), 'parlance-planted-'));
    const config = await makePlantedConfig(plants, upstream, folder);
    const process = await ServeProcess.start({ config: config.text, env: config.env });
    return new PlantedServer({ plants, upstream, folder, config, process }, await process.url());
  }

  /** Sends a request and keeps what comes back, also when the connection breaks. */
  async send({ owner, path, headers = {}, body, leaves = false }: Sent): Promise<Got> {
    let text = '';
    let status = 0;
    const left = new AbortController();
    try {
      const response = await fetch(this.url + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        redirect: 'manual',
        signal: left.signal,
        ...(body === undefined ? {} : { body }),
      });
      ({ status } = response);
      text = JSON.stringify([...response.headers]);
      this.#expectLine(response.headers.get('x-request-id'), path);
      const decoder = new TextDecoder();
      for await (const piece of response.body ?? []) {
        text += decoder.decode(piece as Uint8Array, { stream: true });
        if (leaves) left.abort();
      }
    } catch (error) {
      text += String(error);
    }
    if (status > 0) this.plants.enter(path, JSON.stringify(headers), body ?? '');
    this.keep(`the answer to ${owner}`, text, owner);
    return { status, text };
  }

  /** Sends bytes as they are. @returns all that came back until the server closed */
  async sendRaw(owner: string, bytes: string): Promise<string> {
    const socket = connect(Number(new URL(this.url).port), '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      socket.end();
    });
    socket.on('error', () => {});
    const closed = new Promise((settle) => socket.once('close', settle));
    socket.write(bytes);
    await closed;
    if (text !== '') this.plants.enter(bytes);
    this.#expectLine(/x-request-id: (\S+)/.exec(text)?.[1], '');
    this.keep(`the answer to ${owner}`, text, owner);
    return text;
  }

  /** Something else that can be seen. */
  keep(name: string, text: string, ...owners: string[]): void {
    this.#answers.push({ name, text, owners });
  }

  /**
   * Looks at what was not seen before, once the log tells of every request.
   *
   * @throws {Error} that names each secret and where it is shown
   */
  async assertNoNewLeak(): Promise<void> {
    const isLogged = (id: string): boolean => this.process.output.includes(id);
    await vi.waitUntil(() => [...this.#unlogged].every(isLogged), { timeout: 10_000, interval: 10 });
    this.#unlogged.clear();
    const { answers, requests, output } = this.#seen;
    const { sights } = this.upstream;
    const written = { name: 'the output of the server', text: this.process.output.slice(output), owners: [] };
    const leaks = this.plants.leaks([...this.#answers.slice(answers), ...sights.slice(requests), written]);
    this.#seen.answers = this.#answers.length;
    this.#seen.requests = sights.length;
    this.#seen.output = this.process.output.length;
    if (leaks.length > 0) throw new Error(leaks.join('\n'));
  }

  /** All that was ever seen. */
  sights(): Sight[] {
    const written = { name: 'the output of the server', text: this.process.output, owners: [] };
    return [...this.#answers, ...this.upstream.sights, written];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.dispose();
    await this.upstream[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true });
  }

  /** Health checks are not logged. */
  #expectLine(id: string | null | undefined, path: string): void {
    if (id != null && !path.endsWith('z')) this.#unlogged.add(id);
  }
}
