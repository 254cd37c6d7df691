package millrace.bench;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * What a takeover costs Kafka Streams: one store with a value of some bytes for each key, changed by each record. The first eight bytes of a
 * value count the key's records; the count goes to the output. Prints a JSON line for what the restore did.
 *
 * <p>Arguments: input topic, output topic, then settings of Kafka Streams as name=value.
 */
public final class LatestValues {
  private static final String STORE = "values";

  public static void main(String[] args) {
    Properties settings = new Properties();
    for (String setting : Arrays.asList(args).subList(2, args.length)) {
      int at = setting.indexOf('=');
      settings.put(setting.substring(0, at), setting.substring(at + 1));
    }
    KafkaStreams streams = new KafkaStreams(topology(args[0], args[1]), settings);
    RestoreReport report = new RestoreReport();
    streams.setGlobalStateRestoreListener(report);
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.RUNNING) report.running();
    });
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
      return null;
    });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  private static Topology topology(String input, String output) {
    StreamsBuilder builder = new StreamsBuilder();
    builder.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Serdes.Long(), Serdes.ByteArray()));
    builder.stream(input, Consumed.with(Serdes.Long(), Serdes.ByteArray()))
        .process(Counting::new, STORE)
        .to(output, Produced.with(Serdes.Long(), Serdes.Long()));
    return builder.build();
  }

  private static final class Counting implements Processor<Long, byte[], Long, Long> {
    private ProcessorContext<Long, Long> context;
    private KeyValueStore<Long, byte[]> values;

    @Override
    public void init(ProcessorContext<Long, Long> given) {
      context = given;
      values = given.getStateStore(STORE);
    }

    @Override
    public void process(Record<Long, byte[]> record) {
      byte[] before = values.get(record.key());
      long count = before == null ? 1 : ByteBuffer.wrap(before).getLong() + 1;
      byte[] after = record.value().clone();
      ByteBuffer.wrap(after).putLong(count);
      values.put(record.key(), after);
      context.forward(record.withValue(count));
    }
  }
}
