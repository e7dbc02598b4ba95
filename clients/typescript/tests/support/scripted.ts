import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

type Reply = (received: Received, response: ServerResponse) => void;

/** An HTTP server that replies as the test says, and records what it receives. */
export class Scripted {
  readonly received: Received[] = [];
  readonly #server: HttpServer;

  constructor(reply: Reply) {
    this.#server = createServer(async (request, response) => {
      let body = "";
      for await (const part of request) body += part;
      const received = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body };
      this.received.push(received);
      reply(received, response);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Answers with JSON. */
export function json(
  response: ServerResponse,
  status: number,
  content: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(content));
}
