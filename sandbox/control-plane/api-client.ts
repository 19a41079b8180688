import { Agent, request } from 'undici';

export interface ApiAnswer {
  readonly status: number;
  /** The parsed body, when it is JSON; its text otherwise. */
  readonly body: unknown;
}

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  /** Of the body. Default: `application/json`. */
  readonly contentType?: string;
  /** Milliseconds for the whole request. Default 10 s. */
  readonly timeoutMs?: number;
}

/** The little of the Kubernetes API that the sandbox itself needs, as the admin. */
export class ApiClient {
  readonly #server: string;
  readonly #token: string;
  readonly #agent: Agent;

  constructor(server: string, ca: string, token: string) {
    this.#server = server;
    this.#token = token;
    this.#agent = new Agent({ allowH2: false, connections: 4, connect: { ca, timeout: 5000 } });
  }

  async send(
    path: string,
    { method = 'GET', body, contentType = 'application/json', timeoutMs = 10_000 }: ApiRequest = {},
  ): Promise<ApiAnswer> {
    const answer = await request(`${this.#server}${path}`, {
      dispatcher: this.#agent,
      method,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        authorization: `Bearer ${this.#token}`,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': contentType }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    const isJson = String(answer.headers['content-type']).includes('json');
    return { status: answer.statusCode, body: isJson ? (JSON.parse(text) as unknown) : text };
  }

  /** Whether a health endpoint answers 200; false as long as nobody answers at all. */
  async isHealthy(path: string): Promise<boolean> {
    try {
      return (await this.send(path, { timeoutMs: 5000 })).status === 200;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
