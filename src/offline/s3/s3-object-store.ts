/** Objects in an S3 bucket. Credentials come by the SDK's default chain. */
import { randomUUID } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { FatalError, MillraceError, RetriableError, messageOf } from '../../errors.ts';
import type { ObjectStore } from '../object-store.ts';

const notImplemented = 501;
/** Timed out, conflict with another write, too many requests. */
const passing = new Set([408, 409, 429]);

export interface S3Options {
  readonly bucket: string;
  /** Of a server that is not AWS; paths name the bucket then. */
  readonly endpoint?: string;
  readonly region: string;
  /** Stands before every name. Default none. */
  readonly prefix?: string;
  /** A request that takes longer has an unknown outcome, milliseconds. Default 30,000. */
  readonly requestTimeout_ms?: number;
}

export function createS3ObjectStore(options: S3Options): ObjectStore {
  const timeout_ms = options.requestTimeout_ms ?? 30_000;
  const client = new S3Client({
    region: options.region,
    // The caller retries, by the same name; more tries in here would only hide what is wrong.
    maxAttempts: 2,
    requestHandler: {
      requestTimeout: timeout_ms,
      throwOnRequestTimeout: true,
      // An answer that stops in its middle counts too.
      socketTimeout: timeout_ms,
      connectionTimeout: 5000,
    },
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint, forcePathStyle: true }),
  });
  return new S3ObjectStore(client, options);
}

class S3ObjectStore implements ObjectStore {
  private readonly client: S3Client;
  private readonly bucket: string;
  private readonly prefix: string;
  private readonly place: string;

  constructor(client: S3Client, options: S3Options) {
    this.client = client;
    this.bucket = options.bucket;
    this.prefix = options.prefix === undefined || options.prefix === '' ? '' : `${options.prefix.replace(/\/+$/, '')}/`;
    this.place = `bucket ${options.bucket} at ${options.endpoint ?? `AWS ${options.region}`}`;
  }

  async create(name: string, body: Uint8Array): Promise<'created' | 'exists'> {
    const request = new PutObjectCommand({
      Bucket: this.bucket,
      Key: this.prefix + name,
      Body: body,
      IfNoneMatch: '*',
    });
    try {
      await this.client.send(request);
      return 'created';
    } catch (error) {
      if (statusOf(error) === 412) return 'exists';
      throw this.classify(error);
    }
  }

  async read(name: string): Promise<Uint8Array | null> {
    try {
      const { Body: body } = await this.client.send(
        new GetObjectCommand({ Bucket: this.bucket, Key: this.prefix + name }),
      );
      return (await body?.transformToByteArray()) ?? null;
    } catch (error) {
      if (error instanceof S3ServiceException && error.name === 'NoSuchKey') return null;
      throw this.classify(error);
    }
  }

  async list(prefix: string, after?: string): Promise<readonly string[]> {
    const names: string[] = [];
    let token: string | undefined;
    do {
      const request = new ListObjectsV2Command({
        Bucket: this.bucket,
        Prefix: this.prefix + prefix,
        ...(after === undefined ? {} : { StartAfter: this.prefix + after }),
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      const page = await this.client.send(request).catch((error: unknown) => {
        throw this.classify(error);
      });
      for (const { Key: key } of page.Contents ?? []) if (key !== undefined) names.push(key.slice(this.prefix.length));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return names;
  }

  async delete(name: string): Promise<void> {
    try {
      await this.client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: this.prefix + name }));
    } catch (error) {
      if (error instanceof S3ServiceException && error.name === 'NoSuchKey') return;
      throw this.classify(error);
    }
  }

  async probe(): Promise<void> {
    const name = `.millrace-probe-${randomUUID()}`;
    if (await this.overwrites(name)) {
      throw new FatalError(
        'object-store-unfit',
        `${this.place} has no conditional writes (If-None-Match is ignored or refused): two owners of a partition could not be told apart. Use a store with conditional writes`,
      );
    }
  }

  /** Whether an object that is there can be created once more. */
  private async overwrites(name: string): Promise<boolean> {
    try {
      // The first may well say "exists": its own first try had come through and its answer got lost.
      await this.create(name, Buffer.from('1'));
      return (await this.create(name, Buffer.from('2'))) === 'created';
    } catch (error) {
      if (error instanceof MillraceError && statusOf(error.cause) === notImplemented) return true;
      throw error;
    } finally {
      const remove = new DeleteObjectCommand({ Bucket: this.bucket, Key: this.prefix + name });
      await this.client.send(remove).catch(() => undefined);
    }
  }

  close(): Promise<void> {
    this.client.destroy();
    return Promise.resolve();
  }

  private classify(error: unknown): MillraceError {
    const name = error instanceof Error ? error.name : '';
    const options = { cause: error };
    const lasting = lastingRefusal(statusOf(error), name);
    if (lasting !== null) {
      const what = `${this.place}: ${lasting} (${name || messageOf(error)})`;
      const check = 'check MILLRACE_S3_BUCKET, MILLRACE_S3_ENDPOINT, MILLRACE_S3_REGION and the AWS credentials';
      return new FatalError('store-unavailable', `${what}; ${check}`, options);
    }
    const why = messageOf(error) || (error as NodeJS.ErrnoException).code || name;
    const message = `${this.place} does not answer: ${why}; check MILLRACE_S3_ENDPOINT and the server`;
    return new RetriableError('store-unavailable', message, options);
  }
}

/** What the same request will meet again, however often it is made; null when another try may help. */
function lastingRefusal(status: number | undefined, name: string): string | null {
  if (/Credentials/.test(name)) return 'there are no credentials';
  if (status === undefined || status >= 500 || passing.has(status)) return null;
  if (status === 404) return 'it does not exist';
  if (status === 401 || status === 403) return 'access is refused';
  return status >= 300 ? 'the request is refused' : null;
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
