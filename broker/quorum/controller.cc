#include "broker/quorum/controller.h"

#include "proto/base/check.h"
#include "proto/record/reader.h"

namespace tidelog::broker {
namespace {

/// There is one node, and it leads the metadata log for ever; a quorum brings real epochs.
constexpr LeaderEpoch kOnlyEpoch{0};
constexpr std::size_t kReadBytes = 1024 * 1024;

Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

}  // namespace

Controller::Controller(Shard& shard, Durability& durability, std::unique_ptr<storage::Log> log, MetadataListener& listener)
    : shard_(shard),
      durability_(durability),
      log_(std::move(log)),
      listener_(listener),
      durable_end_(log_->end_offset()),
      durable_(shard.loop().executor()),
      turns_(shard.loop().executor()) {}

Controller::~Controller() { durability_.forget(*this); }

Result<void, ReplayError> Controller::replay() {
  proto::RecordReader reader;
  Offset at = log_->log_start_offset();
  const auto failed = [&at](Errc code) { return ReplayError{.code = code, .offset = at}; };
  while (at < log_->end_offset()) {
    const Result<storage::Slice> slice = log_->read({.from = at, .limit = log_->end_offset(), .max_bytes = kReadBytes});
    if (!slice) return failed(slice.error());
    if (slice->empty()) return failed(Errc::corrupt);
    std::vector<std::byte> bytes(static_cast<std::size_t>(slice->size_bytes));
    const Result<std::size_t> read = slice->file->read_at(slice->position, bytes);
    if (!read) return failed(read.error());
    if (*read != bytes.size()) return failed(Errc::corrupt);
    for (Bytes rest = bytes; !rest.empty();) {
      const Result<proto::BatchView> batch = proto::BatchView::parse(rest);
      if (!batch || !batch->crc_ok()) return failed(Errc::corrupt);
      if (const Result<void> applied = replay_batch(*batch, reader); !applied) return failed(applied.error());
      at = batch->next_offset();
      rest = rest.subspan(batch->size_bytes());
    }
  }
  next_id_ = end_of_block_ = machine_.image()->next_producer_id();
  return {};
}

Result<void> Controller::replay_batch(const proto::BatchView& batch, proto::RecordReader& reader) {
  Result<void> outcome;
  const Result<void> walked = proto::for_each_record(batch, reader, [&](const proto::RecordView& stored) {
    if (!outcome) return;
    const Result<MetadataRecord> record = decode_record(stored.value);
    outcome = record ? machine_.apply(*record) : Result<void>(record.error());
    if (const auto* deleted = record ? std::get_if<DeleteTopicRecord>(&*record) : nullptr) deleted_topics_.insert(deleted->topic_id);
  });
  return walked ? outcome : walked;
}

void Controller::append_and_apply(const std::vector<MetadataRecord>& records) {
  builder_.clear();
  for (const MetadataRecord& record : records) {
    const std::string stored = encode_record(record);
    builder_.append({.timestamp = shard_.loop().wall_clock(), .value = as_bytes(stored)});
  }
  const Bytes batch = builder_.build({.base_offset = log_->end_offset(), .leader_epoch = kOnlyEpoch});
  const std::array<Bytes, 1> batches{batch};
  // Metadata that cannot be written leave a broker that can promise nothing: it stops.
  CHECK(log_->append(batches).has_value());
  for (const MetadataRecord& record : records) CHECK(machine_.apply(record).has_value());
}

asio::awaitable<void> Controller::append_durably(const std::vector<MetadataRecord>& records) {
  append_and_apply(records);
  const Offset end = log_->end_offset();
  durability_.contribute(*this);
  while (durable_end_ < end) co_await durable_.wait();
}

asio::awaitable<void> Controller::commit(const std::vector<MetadataRecord>& records) {
  const std::shared_ptr<const Image> before = machine_.image();
  co_await append_durably(records);
  co_await listener_.on_commit(before, machine_.image());
}

asio::awaitable<void> Controller::found(std::string cluster_id, RegisterBrokerRecord self) {
  std::vector<MetadataRecord> records;
  if (machine_.image()->cluster_id().empty()) records.emplace_back(ClusterInfoRecord{.cluster_id = std::move(cluster_id)});
  RegisterDecision decision = machine_.register_broker(std::move(self));
  for (MetadataRecord& record : decision.records) records.push_back(std::move(record));
  co_await append_durably(records);
}

void Controller::finish_sync(const storage::SyncTicket& ticket) {
  durable_end_ = std::max(durable_end_, ticket.end_offset);
  log_->finish_sync(ticket);
  durable_.notify();
}

asio::awaitable<ProducerId> Controller::next_producer_id(NodeId node, std::int64_t broker_epoch) {
  while (next_id_ == end_of_block_) {
    const ProducerIdsDecision decision = co_await change([&](const MetadataMachine& machine) {
      // Whoever was before in the line may have fetched a block already.
      return next_id_ == end_of_block_ ? machine.allocate_producer_ids(node, broker_epoch) : ProducerIdsDecision{};
    });
    if (decision.records.empty()) continue;
    next_id_ = decision.first;
    end_of_block_ = decision.end;
  }
  const ProducerId id = next_id_;
  ++next_id_;
  co_return id;
}

}  // namespace tidelog::broker
