/**
 * kill -9 and a new start with a million keys of state: a worker, and Kafka Streams with as many keys and bytes, in turn, on one broker, with the
 * same partitions, session timeout and memory. A takeover is over when a row that came right after the kill is served.
 */
import { takeOver, type Contender, type Takeover } from './takeover/contender.ts';
import { partitions } from './takeover/partitions.ts';
import { Stage } from './takeover/stage.ts';
import { buildStreams, StreamsContender } from './takeover/streams-contender.ts';
import { WorkerContender } from './takeover/worker-contender.ts';
import { count, report } from './report.ts';

/** Of a worker in all, half of it its heap; and of the Java heap, beside which RocksDB has its own. */
const memory_MiB = 2048;
const javaHeap_MiB = 1024;
/** Of the changelog, to see how large its entries are. */
const sample_records = 1000;
/** Rows behind a snapshot, as a share of the keys. */
const behindSnapshot = 0.01;

interface Line {
  readonly what: string;
  readonly takeover: Takeover;
}

/** @param rounds of all cases. */
export async function takeover(keys = 1_000_000, rounds = 1): Promise<void> {
  await buildStreams();
  const stage = await Stage.open();
  const worker = new WorkerContender(stage, memory_MiB * 2 ** 20);
  const exactly = new StreamsContender(stage, 'exactly_once_v2', javaHeap_MiB);
  const atLeast = new StreamsContender(stage, 'at_least_once', javaHeap_MiB);
  try {
    console.log(`  a worker takes ${count(keys)} rows, then Kafka Streams twice as many records`);
    await worker.load(keys);
    const value_bytes = await worker.entrySize(Math.min(sample_records, Math.floor(keys / partitions)));
    await exactly.load(keys, value_bytes);
    await atLeast.load(keys, value_bytes);
    const lines: Line[] = [];
    const measure = async (what: string, contender: Contender, loseDisk: boolean): Promise<void> => {
      const measured = await takeOver(contender, { loseDisk });
      console.log(`  ${what}: serves ${measured.killToServing_s.toFixed(1)} s after the kill`);
      lines.push({ what, takeover: measured });
      await contender.settled();
    };
    for (let round = 0; round < rounds; round++) {
      await measure('Millrace, disk lost: changelog', worker, true);
      await measure('Kafka Streams exactly_once_v2, disk lost', exactly, true);
      await measure('Kafka Streams at_least_once, disk lost', atLeast, true);
      await measure('Millrace, disk kept', worker, false);
      await measure('Kafka Streams exactly_once_v2, disk kept', exactly, false);
      await measure('Kafka Streams at_least_once, disk kept', atLeast, false);
    }
    await worker.snapshot(Math.floor(keys * behindSnapshot));
    for (let round = 0; round < rounds; round++) await measure('Millrace, disk lost: snapshot', worker, true);
    show(keys, value_bytes, lines);
  } finally {
    for (const each of [worker, exactly, atLeast]) await each.close();
    await stage.close();
  }
}

function show(keys: number, value_bytes: number, lines: readonly Line[]): void {
  report(
    `takeover of ${count(keys)} keys of ${value_bytes} bytes in ${partitions} partitions after kill -9`,
    [
      '',
      'records',
      'restore s',
      'records/s',
      'CPU s',
      'start → restored s',
      'start → serving s',
      'kill → serving s',
      'peak MiB',
    ],
    lines.map(({ what, takeover: { records, seconds, ...rest } }) => [
      what,
      count(records),
      seconds.toFixed(2),
      seconds === 0 ? '' : count(records / seconds),
      rest.cpu_s.toFixed(1),
      rest.startToRestored_s.toFixed(1),
      rest.startToServing_s.toFixed(1),
      rest.killToServing_s.toFixed(1),
      count(rest.peak_MiB),
    ]),
  );
}
