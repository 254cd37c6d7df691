/** Answers of S3 servers that are neither success nor absence: what may pass is retriable, what lasts is fatal. */
import { afterEach, describe, expect, test } from 'vitest';
import { FatalError, RetriableError } from '../../src/errors.ts';
import type { ObjectStore } from '../../src/offline/object-store.ts';
import { createS3ObjectStore, type S3Options } from '../../src/offline/s3/s3-object-store.ts';
import { refuse, S3StandIn, type Answer } from '../support/s3-stand-in.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function open(more: Partial<S3Options> = {}): ObjectStore {
  const store = createS3ObjectStore({
    bucket: process.env['MILLRACE_S3_BUCKET']!,
    endpoint: process.env['MILLRACE_S3_ENDPOINT']!,
    region: process.env['MILLRACE_S3_REGION']!,
    ...more,
  });
  closers.push(() => store.close());
  return store;
}

async function answering(answer: Answer, more: Partial<S3Options> = {}): Promise<ObjectStore> {
  const standIn = await S3StandIn.start(answer);
  closers.push(() => standIn.stop());
  return open({ endpoint: standIn.endpoint, ...more });
}

describe('a server that goes silent', () => {
  test('before its answer: retriable once the time is up', async () => {
    const store = await answering(() => undefined, { requestTimeout_ms: 300 });
    await expect(store.list('a')).rejects.toThrow(RetriableError);
    await expect(store.create('a', Buffer.from('1'))).rejects.toThrow(RetriableError);
  });

  test('in the middle of its answer: the same', async () => {
    const half: Answer = (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
    };
    const store = await answering(half, { requestTimeout_ms: 300 });
    await expect(store.read('a')).rejects.toThrow(RetriableError);
  });
});

test.each([
  [301, 'PermanentRedirect'],
  [400, 'ExpiredToken'],
  [405, 'MethodNotAllowed'],
])('status %d %s lasts: fatal', async (status, code) => {
  const store = await answering((_, response) => {
    refuse(response, status, code);
  });
  await expect(store.list('a')).rejects.toThrow(FatalError);
});

test('a wrong region: fatal, names the setting', async () => {
  const wrong = open({ region: 'eu-north-1' }).list('a');
  await expect(wrong).rejects.toThrow(FatalError);
  await expect(wrong).rejects.toThrow(/MILLRACE_S3_REGION/);
});

test('a name that no bucket can have: fatal', async () => {
  await expect(open({ bucket: 'Bad_Bucket' }).list('a')).rejects.toThrow(FatalError);
});

describe('probe', () => {
  test('refuses a store that does not know If-None-Match', async () => {
    const store = await answering((request, response) => {
      if (request.method === 'PUT') refuse(response, 501, 'NotImplemented');
      else response.end();
    });
    await expect(store.probe()).rejects.toMatchObject({ code: 'object-store-unfit' });
  });

  test('takes a store whose first answer got lost', async () => {
    let puts = 0;
    const store = await answering((request, response) => {
      if (request.method !== 'PUT') response.end();
      else if (puts++ === 0) refuse(response, 500, 'InternalError');
      else refuse(response, 412, 'PreconditionFailed');
    });
    await store.probe();
    expect(puts).toBe(3);
  });
});
