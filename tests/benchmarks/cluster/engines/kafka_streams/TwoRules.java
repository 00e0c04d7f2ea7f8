import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The two rules `repeat_contact` and `error_loop` in Kafka Streams' Processor API: one state a journey in a persistent
 * store (RocksDB) with its record cache on, its changes in a changelog. The same logic as two_rules.py beside it.
 *
 * One argument: the configuration as JSON.
 */
public final class TwoRules {
  private static final ObjectMapper MAPPER =
      new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
  private static final ObjectReader EVENT = MAPPER.readerFor(Event.class);
  private static final ObjectReader EVENTS = MAPPER.readerFor(Event[].class);

  private static final Set<String> CONTACT =
      Set.of("contact.made", "call.queued", "call.rejected", "ticket.taken", "message.received");
  private static final Set<String> MISSING = Set.of("call.abandoned", "call.rejected", "ticket.noshow");
  private static final Set<String> SERVING = Set.of("call.answered", "ticket.called", "ticket.served");
  private static final long SECOND_US = 1_000_000L;
  private static final long MIN_GAP_US = 300 * SECOND_US;
  private static final long WINDOW_US = 604_800 * SECOND_US;
  private static final long CONTACT_SPAN_US = 86_400 * SECOND_US;
  private static final int ERROR_COUNT = 3;
  private static final long ERROR_WINDOW_US = 1_800 * SECOND_US;

  @JsonIgnoreProperties(ignoreUnknown = true)
  public static final class Data {
    public String service;
    public String matter;
    public String channel;
    public String step;
    public String contact;
    public boolean invited;
  }

  @JsonIgnoreProperties(ignoreUnknown = true)
  public static final class Event {
    public String id;
    public String source;
    public String type;
    public String time;
    public String subject;
    public Data data;

    boolean matters() {
      return type.equals("form.error") ? data.step != null : data.contact != null || CONTACT.contains(type);
    }

    long timeUs() {
      Instant at = Instant.parse(time);
      return at.getEpochSecond() * SECOND_US + at.getNano() / 1_000;
    }
  }

  public record Point(
      String rule, String source, String anchor, String subject, String service, String channel, String step,
      String time, List<String> evidence) {}

  record At(long us, String id) {}

  static final class Visit {
    String contact;
    long firstUs;
    boolean missed;
    boolean served;
    Map<String, At> byMatter = new HashMap<>(2);

    boolean matters(long nowUs) {
      return firstUs >= nowUs - CONTACT_SPAN_US
          || byMatter.values().stream().anyMatch(at -> at.us() >= nowUs - WINDOW_US);
    }
  }

  /** What is known of one journey. */
  static final class State {
    List<Visit> visits = new ArrayList<>();
    Map<String, List<At>> errors = new HashMap<>();

    Point judge(Event event) {
      return event.type.equals("form.error") ? error(event) : contact(event);
    }

    private Point error(Event event) {
      long nowUs = event.timeUs();
      List<At> found = errors.computeIfAbsent(event.data.step, step -> new ArrayList<>());
      found.removeIf(at -> at.us() < nowUs - ERROR_WINDOW_US);
      found.add(new At(nowUs, event.id));
      if (found.size() < ERROR_COUNT) {
        return null;
      }
      errors.remove(event.data.step);
      return point("error_loop", event, found.stream().map(At::id).toList());
    }

    private Point contact(Event event) {
      long nowUs = event.timeUs();
      visits.removeIf(each -> !each.matters(nowUs));
      Visit visit = visit(event.data.contact, nowUs);
      visit.missed |= MISSING.contains(event.type);
      visit.served |= SERVING.contains(event.type);
      if (!CONTACT.contains(event.type)) {
        return null;
      }
      At earlier = event.data.invited ? null : earlier(visit, event.data.matter);
      visit.byMatter.put(event.data.matter == null ? "" : event.data.matter, new At(nowUs, event.id));
      if (earlier == null || nowUs - earlier.us() <= MIN_GAP_US || nowUs - earlier.us() > WINDOW_US) {
        return null;
      }
      return point("repeat_contact", event, List.of(earlier.id(), event.id));
    }

    private Visit visit(String contact, long nowUs) {
      if (contact != null) {
        for (int index = visits.size() - 1; index >= 0; index--) {
          Visit each = visits.get(index);
          if (contact.equals(each.contact) && nowUs - each.firstUs <= CONTACT_SPAN_US) {
            return each;
          }
        }
      }
      Visit visit = new Visit();
      visit.contact = contact;
      visit.firstUs = nowUs;
      visits.add(visit);
      return visit;
    }

    private At earlier(Visit own, String matter) {
      At found = null;
      for (Visit each : visits) {
        if (each == own || (each.missed && !each.served)) {
          continue;
        }
        for (Map.Entry<String, At> entry : each.byMatter.entrySet()) {
          boolean same = matter == null || entry.getKey().isEmpty() || entry.getKey().equals(matter);
          if (same && (found == null || entry.getValue().us() > found.us())) {
            found = entry.getValue();
          }
        }
      }
      return found;
    }

    private static Point point(String rule, Event event, List<String> evidence) {
      Data data = event.data;
      return new Point(
          rule, event.source, event.id, event.subject, data.service, data.channel, data.step, event.time, evidence);
    }
  }

  static byte[] pack(State state) {
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
      DataOutputStream out = new DataOutputStream(bytes);
      out.writeShort(state.visits.size());
      for (Visit visit : state.visits) {
        out.writeUTF(visit.contact == null ? "" : visit.contact);
        out.writeLong(visit.firstUs);
        out.writeByte((visit.missed ? 1 : 0) | (visit.served ? 2 : 0));
        out.writeShort(visit.byMatter.size());
        for (Map.Entry<String, At> entry : visit.byMatter.entrySet()) {
          out.writeUTF(entry.getKey());
          write(out, entry.getValue());
        }
      }
      out.writeShort(state.errors.size());
      for (Map.Entry<String, List<At>> entry : state.errors.entrySet()) {
        out.writeUTF(entry.getKey());
        out.writeShort(entry.getValue().size());
        for (At at : entry.getValue()) {
          write(out, at);
        }
      }
      return bytes.toByteArray();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  static State unpack(byte[] value) {
    try {
      DataInputStream in = new DataInputStream(new ByteArrayInputStream(value));
      State state = new State();
      for (int visits = in.readShort(); visits > 0; visits--) {
        Visit visit = new Visit();
        String contact = in.readUTF();
        visit.contact = contact.isEmpty() ? null : contact;
        visit.firstUs = in.readLong();
        int flags = in.readByte();
        visit.missed = (flags & 1) != 0;
        visit.served = (flags & 2) != 0;
        for (int matters = in.readShort(); matters > 0; matters--) {
          visit.byMatter.put(in.readUTF(), readAt(in));
        }
        state.visits.add(visit);
      }
      for (int steps = in.readShort(); steps > 0; steps--) {
        String step = in.readUTF();
        int count = in.readShort();
        List<At> found = new ArrayList<>(count);
        for (; count > 0; count--) {
          found.add(readAt(in));
        }
        state.errors.put(step, found);
      }
      return state;
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static void write(DataOutputStream out, At at) throws IOException {
    out.writeLong(at.us());
    out.writeUTF(at.id());
  }

  private static At readAt(DataInputStream in) throws IOException {
    return new At(in.readLong(), in.readUTF());
  }

  /** Says when the first record and half of them were read. */
  static final class Marks {
    private final long half;
    private long count;

    Marks(long records) {
      half = Math.max(records / 2, 2);
    }

    void read() {
      count++;
      if (count == 1) {
        mark("first");
      } else if (count == half) {
        mark("half");
      }
    }

    private static void mark(String name) {
      var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      System.out.printf("mark %s %.6f %.6f%n", name, System.nanoTime() / 1e9, system.getProcessCpuTime() / 1e9);
      System.out.flush();
    }
  }

  static final class Detect implements Processor<byte[], Event[], byte[], Point> {
    private final Marks marks;
    private ProcessorContext<byte[], Point> context;
    private KeyValueStore<String, State> journeys;

    Detect(Marks marks) {
      this.marks = marks;
    }

    @Override
    public void init(ProcessorContext<byte[], Point> given) {
      context = given;
      journeys = given.getStateStore("journeys");
    }

    @Override
    public void process(Record<byte[], Event[]> record) {
      marks.read();
      for (Event event : record.value()) {
        if (event.matters()) {
          String key = event.subject + "/" + event.data.service;
          State state = journeys.get(key);
          if (state == null) {
            state = new State();
          }
          Point point = state.judge(event);
          journeys.put(key, state);
          if (point != null) {
            context.forward(new Record<>(record.key(), point, record.timestamp()));
          }
        }
      }
    }
  }

  private static Deserializer<Event[]> reader(boolean single) {
    return (topic, value) -> {
      try {
        return single ? new Event[] {EVENT.readValue(value)} : EVENTS.readValue(value);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    };
  }

  private static byte[] json(Point point) {
    try {
      return MAPPER.writeValueAsBytes(point);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  public static void main(String[] arguments) throws IOException {
    Map<?, ?> config = MAPPER.readValue(arguments[0], LinkedHashMap.class);
    boolean single = ((Number) config.get("record_events")).intValue() == 1;
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, config.get("group"));
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, config.get("brokers"));
    settings.put(StreamsConfig.STATE_DIR_CONFIG, Path.of((String) config.get("folder")).toAbsolutePath().toString());
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, config.get("guarantee"));
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1_000);
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), single ? 5_000 : 100);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 50);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 262_144);

    Marks marks = new Marks(((Number) config.get("records")).longValue());
    Serde<State> states = Serdes.serdeFrom((topic, state) -> state == null ? null : pack(state),
        (topic, value) -> value == null ? null : unpack(value));
    Topology topology = new Topology();
    topology.addSource("events", Serdes.ByteArray().deserializer(), reader(single), (String) config.get("input"));
    topology.addProcessor("detect", () -> new Detect(marks), "events");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("journeys"), Serdes.String(), states)
            .withCachingEnabled(),
        "detect");
    topology.addSink("points", (String) config.get("output"), Serdes.ByteArray().serializer(),
        (topic, point) -> json((Point) point), "detect");
    KafkaStreams streams = new KafkaStreams(topology, settings);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
      return null;
    });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }
}
