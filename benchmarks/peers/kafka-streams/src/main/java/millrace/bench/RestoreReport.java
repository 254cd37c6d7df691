package millrace.bench;

import java.util.Locale;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.processor.StateRestoreListener;

/** How many records came back, and from when to when; all partitions together. */
final class RestoreReport implements StateRestoreListener {
  private long first_ns = Long.MAX_VALUE;
  private long last_ns;
  private long records;

  @Override
  public synchronized void onRestoreStart(TopicPartition partition, String store, long start, long end) {
    first_ns = Math.min(first_ns, System.nanoTime());
  }

  @Override
  public void onBatchRestored(TopicPartition partition, String store, long end, long count) {}

  @Override
  public synchronized void onRestoreEnd(TopicPartition partition, String store, long total) {
    records += total;
    last_ns = System.nanoTime();
  }

  /** Every task has its state. */
  synchronized void running() {
    double seconds = last_ns == 0 ? 0 : (last_ns - first_ns) / 1e9;
    System.out.printf(Locale.ROOT, "{\"records\":%d,\"seconds\":%.3f}%n", records, seconds);
  }
}
