/** The client that asks and tells brokers about topics. It holds nothing, so one that has lost its brokers is replaced by another. */
import { messageOf } from '../../errors.ts';
import { brokerListener } from './broker-watch.ts';
import { type AdminClient, call, newAdmin } from './client.ts';
import { ClientVoice, type Surroundings, unreachable } from './connection.ts';
import { adminSettings } from './settings.ts';

/** Whoever makes a call takes the client anew each time. */
export interface Admin {
  readonly client: AdminClient;
}

export class KafkaAdmin implements Admin {
  client: AdminClient;
  private readonly surroundings: Surroundings;
  private readonly voice: ClientVoice;

  private constructor(surroundings: Surroundings) {
    this.surroundings = surroundings;
    this.voice = new ClientVoice(surroundings, { client: 'admin' });
    this.client = this.create();
  }

  /** @throws FatalError `log-unavailable` when no broker answers in time. */
  static async open(surroundings: Surroundings): Promise<KafkaAdmin> {
    const admin = new KafkaAdmin(surroundings);
    try {
      await call((done) => {
        admin.client.getMetadata({ timeout: surroundings.startTimeout_ms }, done);
      });
      return admin;
    } catch (error) {
      surroundings.logger.debug({}, `closing after ${messageOf(error)}`);
      admin.close();
      throw unreachable(surroundings, admin.voice, error);
    }
  }

  close(): void {
    this.client.disconnect();
  }

  private create(): AdminClient {
    const client = newAdmin(adminSettings(this.surroundings.settings), {
      'event.error': this.voice.error,
      'event.log': this.voice.log,
      'event.stats': brokerListener(() => {
        if (this.client !== client) return;
        this.surroundings.logger.warn(
          { client: 'admin' },
          'the Kafka client has forgotten all brokers; another takes over',
        );
        this.client = this.create();
        client.disconnect();
      }),
    });
    return client;
  }
}
