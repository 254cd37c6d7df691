/** The network between one worker and Redis, which can hold back what the worker sends, and deliver it later. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class SlowNetwork {
  private readonly server: Server;
  private readonly upstreams = new Set<Socket>();
  private held: { readonly to: Socket; readonly bytes: Buffer }[] | null = null;

  private constructor(redisUrl: URL) {
    this.server = createServer((worker) => {
      const redis = connect(Number(redisUrl.port), redisUrl.hostname);
      this.upstreams.add(redis);
      worker.on('data', (bytes) => {
        if (this.held === null) redis.write(bytes);
        else this.held.push({ to: redis, bytes });
      });
      redis.pipe(worker);
      worker.on('close', () => {
        // What is held back is under way: it arrives, though who sent it is gone.
        if (this.held === null) redis.destroy();
      });
      redis.on('close', () => {
        this.upstreams.delete(redis);
        worker.destroy();
      });
      for (const socket of [worker, redis]) socket.on('error', () => undefined);
    });
  }

  static async open(redisUrl: string): Promise<SlowNetwork> {
    const network = new SlowNetwork(new URL(redisUrl));
    network.server.listen(0, '127.0.0.1');
    await once(network.server, 'listening');
    return network;
  }

  /** Where the worker finds Redis. */
  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get held_bytes(): number {
    return this.held?.reduce((sum, { bytes }) => sum + bytes.length, 0) ?? 0;
  }

  hold(): void {
    this.held ??= [];
  }

  /** Delivers what was held back, in order. */
  deliver(): void {
    const held = this.held ?? [];
    this.held = null;
    for (const { to, bytes } of held) to.write(bytes);
  }

  close(): void {
    this.server.close();
    for (const redis of this.upstreams) redis.destroy();
  }
}
