import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Kafka's own client: `produce BOOTSTRAP FILE TOPIC:CODEC...` sends FILE's lines, `consume BOOTSTRAP DIR TOPIC...` writes each topic's lines. */
public final class Client {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  static List<byte[]> linesOf(Path file) throws Exception {
    List<byte[]> lines = new ArrayList<>();
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (byte b : Files.readAllBytes(file)) {
      if (b == '\n') {
        lines.add(line.toByteArray());
        line.reset();
      } else {
        line.write(b);
      }
    }
    if (line.size() > 0) lines.add(line.toByteArray());
    return lines;
  }

  static void produce(String bootstrap, List<byte[]> lines, String topic, String codec) throws Exception {
    Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "compression.type", codec, "acks", "all", "linger.ms", 5);
    try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (byte[] line : lines) sent.add(producer.send(new ProducerRecord<>(topic, 0, null, line)));
      for (Future<RecordMetadata> one : sent) one.get();
    }
  }

  static void consume(String bootstrap, String topic, Path into) throws Exception {
    Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "enable.auto.commit", false);
    TopicPartition partition = new TopicPartition(topic, 0);
    try (var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        OutputStream out = new BufferedOutputStream(Files.newOutputStream(into))) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      long end = consumer.endOffsets(List.of(partition)).get(partition);
      for (long done = 0; done < end; ) {
        var records = consumer.poll(LIMIT);
        if (records.isEmpty()) throw new IllegalStateException(topic + ": stopped at " + done + " of " + end);
        for (ConsumerRecord<byte[], byte[]> record : records) {
          out.write(record.value());
          out.write('\n');
          done = record.offset() + 1;
        }
      }
    }
  }

  public static void main(String[] args) throws Exception {
    List<byte[]> lines = args[0].equals("produce") ? linesOf(Path.of(args[2])) : List.of();
    for (int i = 3; i < args.length; i++) {
      if (args[0].equals("produce")) {
        String[] target = args[i].split(":");
        produce(args[1], lines, target[0], target[1]);
      } else {
        consume(args[1], args[i], Path.of(args[2], args[i]));
      }
    }
  }
}
