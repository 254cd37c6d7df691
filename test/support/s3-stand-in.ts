/** A small HTTP server in the place of an S3 server: answers as servers do that the stack does not have. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Gets each request with its body read; answers it, or leaves it hanging. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export class S3StandIn {
  readonly requests: string[] = [];
  private readonly server: Server;

  private constructor(answer: Answer) {
    this.server = createServer((request, response) => {
      this.requests.push(`${request.method!} ${request.url!.split('?')[0]!}`);
      request.resume().on('end', () => {
        answer(request, response);
      });
    });
  }

  static async start(answer: Answer): Promise<S3StandIn> {
    const standIn = new S3StandIn(answer);
    standIn.server.listen(0, '127.0.0.1');
    await once(standIn.server, 'listening');
    return standIn;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}

/** An answer as S3 gives for an error. */
export function refuse(response: ServerResponse, status: number, code: string, message = code): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  );
}
