import { inspect } from 'node:util';
import { DeleteObjectsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FatalError, RetriableError } from '../../src/errors.ts';
import type { ObjectStore } from '../../src/offline/object-store.ts';
import { createS3ObjectStore, type S3Options } from '../../src/offline/s3/s3-object-store.ts';
import { objectStoreSuite } from '../conformance/object-store.suite.ts';
import { refuse, S3StandIn, type Answer } from '../support/s3-stand-in.ts';

const options = (more: Partial<S3Options> = {}): S3Options => ({
  bucket: process.env['MILLRACE_S3_BUCKET']!,
  endpoint: process.env['MILLRACE_S3_ENDPOINT']!,
  region: process.env['MILLRACE_S3_REGION']!,
  ...more,
});

const run = `object-store-test-${process.pid}-${Date.now()}`;
const body = Buffer.from('1');

objectStoreSuite('s3', () => Promise.resolve(createS3ObjectStore(options({ prefix: `${run}/suite` }))));

const stores: ObjectStore[] = [];
const standIns: S3StandIn[] = [];

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await Promise.all(standIns.splice(0).map((standIn) => standIn.stop()));
});

afterAll(async () => {
  const { bucket, endpoint, region } = options();
  const names = await open().list(run);
  const client = new S3Client({ region, endpoint: endpoint!, forcePathStyle: true });
  for (let from = 0; from < names.length; from += 1000) {
    const objects = names.slice(from, from + 1000).map((name) => ({ Key: name }));
    await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } }));
  }
  client.destroy();
});

function open(more: Partial<S3Options> = {}): ObjectStore {
  const store = createS3ObjectStore(options(more));
  stores.push(store);
  return store;
}

async function openStandIn(answer: Answer, more: Partial<S3Options> = {}): Promise<ObjectStore> {
  const standIn = await S3StandIn.start(answer);
  standIns.push(standIn);
  return open({ endpoint: standIn.endpoint, ...more });
}

/** The error of each call of the port. */
async function errorsOf(store: ObjectStore): Promise<Error[]> {
  const calls = [store.create('a', body), store.read('a'), store.list('a'), store.delete('a'), store.probe()];
  const outcomes = await Promise.allSettled(calls);
  return outcomes.map((outcome) => {
    expect(outcome.status).toBe('rejected');
    return (outcome as PromiseRejectedResult).reason as Error;
  });
}

describe('prefix', () => {
  test('stands before every name, with or without its slash, and is not seen inside', async () => {
    const [inside, slash, around] = [
      open({ prefix: `${run}/prefix` }),
      open({ prefix: `${run}/prefix/` }),
      open({ prefix: run }),
    ];
    await inside.create('v/g1/a', body);
    expect(await slash.create('v/g1/a', body)).toBe('exists');
    await around.create('prefix2/v/g1/b', body);
    expect(await slash.list('')).toEqual(['v/g1/a']);
    expect(await slash.list('v/', 'v/g1/A')).toEqual(['v/g1/a']);
    expect(await around.list('prefix')).toEqual(['prefix/v/g1/a', 'prefix2/v/g1/b']);
  });
});

describe('a server that is not there or not well', () => {
  test('no server: retriable, with where it looked and what to check', async () => {
    for (const error of await errorsOf(open({ endpoint: 'http://127.0.0.1:1' }))) {
      expect(error).toBeInstanceOf(RetriableError);
      expect(error).toMatchObject({ code: 'store-unavailable' });
      expect(error.message).toMatch(/^bucket \S+ at http:\/\/127\.0\.0\.1:1 does not answer: .*ECONNREFUSED/);
      expect(error.message).toContain('MILLRACE_S3_ENDPOINT');
    }
  });

  test.each([
    [503, 'SlowDown'],
    [500, 'InternalError'],
    [409, 'ConditionalRequestConflict'],
  ])('status %d %s: retriable', async (status, code) => {
    const store = await openStandIn((_, response) => {
      refuse(response, status, code);
    });
    for (const error of await errorsOf(store)) {
      expect(error).toBeInstanceOf(RetriableError);
      expect(error.message).toContain(code);
    }
  });

  test('a connection that breaks in the middle of an answer: retriable', async () => {
    const store = await openStandIn((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    });
    await expect(store.read('a')).rejects.toThrow(RetriableError);
  });

  test('a server that is back is used again by the same store', async () => {
    let isDown = true;
    const store = await openStandIn((_, response) => {
      if (isDown) response.destroy();
      else response.end();
    });
    await expect(store.create('a', body)).rejects.toThrow(RetriableError);
    isDown = false;
    expect(await store.create('a', body)).toBe('created');
  });
});

describe('settings that are wrong', () => {
  beforeEach(() => {
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  });

  test('a bucket that is not there: fatal, names the bucket and the setting', async () => {
    for (const error of await errorsOf(open({ bucket: 'no-such-bucket' }))) {
      expect(error).toBeInstanceOf(FatalError);
      expect(error.message).toMatch(/^bucket no-such-bucket at http\S+: it does not exist .*MILLRACE_S3_BUCKET/);
    }
  });

  test('a wrong secret: fatal, names what to check, and shows no secret', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'hunter2-hunter2');
    for (const error of await errorsOf(open())) {
      expect(error).toBeInstanceOf(FatalError);
      expect(error.message).toMatch(/access is refused .*SignatureDoesNotMatch.*MILLRACE_S3_BUCKET.*AWS credentials/);
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('hunter2');
    }
  });

  test('an unknown access key: fatal', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'nobody');
    for (const error of await errorsOf(open())) expect(error).toBeInstanceOf(FatalError);
  });

  test('no credentials at all: fatal', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent');
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
    for (const error of await errorsOf(open())) {
      expect(error).toBeInstanceOf(FatalError);
      expect(error.message).toMatch(/there are no credentials .*AWS credentials/);
    }
  });
});

describe('probe', () => {
  test('refuses a store that ignores If-None-Match, and takes its object away again', async () => {
    const objects = new Map<string, number>();
    const store = await openStandIn((request, response) => {
      const name = request.url!.split('?')[0]!;
      if (request.method === 'PUT') objects.set(name, (objects.get(name) ?? 0) + 1);
      else objects.delete(name);
      response.end();
    });
    const probing = store.probe();
    await expect(probing).rejects.toThrow(FatalError);
    await expect(probing).rejects.toMatchObject({ code: 'object-store-unfit' });
    await expect(probing).rejects.toThrow(/^bucket millrace at http\S+ .*If-None-Match.*Use a store with conditional/);
    expect(objects.size).toBe(0);
  });

  test('asks by If-None-Match on both writes', async () => {
    const asked: (string | undefined)[] = [];
    const store = await openStandIn((request, response) => {
      if (request.method !== 'PUT') response.end();
      else if (asked.push(request.headers['if-none-match']) === 1) response.end();
      else refuse(response, 412, 'PreconditionFailed');
    });
    await store.probe();
    expect(asked).toEqual(['*', '*']);
  });

  test('two probes at once do not meet', async () => {
    await Promise.all(Array.from({ length: 4 }, () => open({ prefix: `${run}/probes` }).probe()));
  });
});
