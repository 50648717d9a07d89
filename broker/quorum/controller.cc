#include "broker/quorum/controller.h"

#include "broker/logging/log.h"
#include "proto/base/check.h"
#include "proto/record/reader.h"
#include "storage/disk/disk_error.h"

#include <fmt/format.h>

#include <algorithm>

namespace tidelog::broker {
namespace {

/// There is one node, and it leads the metadata log for ever; a quorum brings real epochs.
constexpr LeaderEpoch kOnlyEpoch{0};
constexpr std::size_t kReadBytes = 1024 * 1024;

Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

/// What asks for more room on the disk, or comes as often as clients like, may have nothing of the reserve.
bool is_kept_out(const MetadataRecord& record) {
  return std::holds_alternative<CreateTopicRecord>(record) || std::holds_alternative<AddPartitionsRecord>(record) ||
         std::holds_alternative<ProducerIdBlockRecord>(record);
}

Reserve::Use use_for(const std::vector<MetadataRecord>& records) {
  const bool is_start = std::ranges::any_of(records, [](const auto& record) {
    return std::holds_alternative<RegisterBrokerRecord>(record) || std::holds_alternative<AssignDirectoriesRecord>(record);
  });
  return is_start ? Reserve::Use::going_on : Reserve::Use::making_room;
}

}  // namespace

Controller::Controller(Shard& shard, Durability& durability, std::unique_ptr<storage::Log> log, Reserve& reserve,
                       MetadataListener& listener)
    : shard_(shard),
      durability_(durability),
      log_(std::move(log)),
      reserve_(reserve),
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
      if (!batch || !batch->crc_ok() || batch->base_offset() > at || batch->next_offset() <= at) return failed(Errc::corrupt);
      if (const Result<void> applied = replay_batch(*batch, reader); !applied) return failed(applied.error());
      at = batch->next_offset();
      rest = rest.subspan(batch->size_bytes());
    }
  }
  next_id_ = end_of_block_ = machine_.image()->next_producer_id();
  return {};
}

Result<void> Controller::replay_batch(const proto::BatchView& batch, proto::RecordReader& reader) {
  std::vector<MetadataRecord> records;
  Result<void> decoded;
  const Result<void> walked = proto::for_each_record(batch, reader, [&](const proto::RecordView& stored) {
    if (!decoded) return;
    Result<MetadataRecord> record = decode_record(stored.value);
    if (!record) {
      decoded = record.error();
      return;
    }
    if (const auto* deleted = std::get_if<DeleteTopicRecord>(&*record)) deleted_topics_.insert(deleted->topic_id);
    records.push_back(std::move(*record));
  });
  if (!walked) return walked;
  if (!decoded) return decoded;
  return machine_.apply(std::span(records));
}

Result<Offset> Controller::append(const std::vector<MetadataRecord>& records) {
  builder_.clear();
  for (const MetadataRecord& record : records) {
    const std::string stored = encode_record(record);
    builder_.append({.timestamp = shard_.loop().wall_clock(), .value = as_bytes(stored)});
  }
  const Bytes batch = builder_.build({.base_offset = log_->end_offset(), .leader_epoch = kOnlyEpoch});
  const std::array<Bytes, 1> batches{batch};
  Result<Offset> end = log_->append(batches);
  if (!end && end.error() == Errc::no_space && std::ranges::none_of(records, is_kept_out) && reserve_.release(use_for(records))) {
    log_warn("the disk of {} is full: its reserve is in use, {} bytes of it are left", log_->directory(), reserve_.held_bytes());
    end = log_->append(batches);
  }
  return end;
}

Result<void> Controller::append_and_apply(const std::vector<MetadataRecord>& records) {
  if (const Result<Offset> end = append(records); !end) {
    // It is not known what is written. A broker that went on would promise what may not be.
    CHECK(!log_->is_offline());
    complaints_.warn(shard_.loop().now(), "refused", "changes of the metadata are refused: {} cannot be written: {}", log_->directory(),
                     storage::describe_disk_error(end.error()));
    return end.error();
  }
  // Together: of the thousands that one request may come to, each alone would copy an image.
  CHECK(machine_.apply(std::span(records)).has_value());
  return {};
}

std::string Controller::why_not_written(Errc error) {
  return fmt::format("the metadata log cannot be written: {}; nothing was changed", storage::describe_disk_error(error));
}

asio::awaitable<Result<void>> Controller::append_durably(const std::vector<MetadataRecord>& records) {
  if (Result<void> appended = append_and_apply(records); !appended) co_return appended;
  const Offset end = log_->end_offset();
  durability_.contribute(*this);
  while (durable_end_ < end) co_await durable_.wait();
  co_return Result<void>();
}

asio::awaitable<Result<void>> Controller::commit(const std::vector<MetadataRecord>& records) {
  const std::shared_ptr<const Image> before = machine_.image();
  if (Result<void> appended = co_await append_durably(records); !appended) co_return appended;
  co_await listener_.on_commit(before, machine_.image());
  co_return Result<void>();
}

asio::awaitable<void> Controller::make_ready() {
  const Turns::Turn turn = co_await turns_.take();
  co_await listener_.make_ready(machine_.image());
}

asio::awaitable<Result<void>> Controller::found(std::string cluster_id, RegisterBrokerRecord self) {
  std::vector<MetadataRecord> records;
  if (machine_.image()->cluster_id().empty()) records.emplace_back(ClusterInfoRecord{.cluster_id = std::move(cluster_id)});
  RegisterDecision decision = machine_.register_broker(std::move(self));
  for (MetadataRecord& record : decision.records) records.push_back(std::move(record));
  co_return co_await append_durably(records);
}

void Controller::finish_sync(const storage::SyncTicket& ticket) {
  durable_end_ = std::max(durable_end_, ticket.end_offset);
  log_->finish_sync(ticket);
  durable_.notify();
}

asio::awaitable<Result<ProducerId>> Controller::next_producer_id(NodeId node, std::int64_t broker_epoch) {
  while (next_id_ == end_of_block_) {
    const ProducerIdsDecision decision = co_await change([&](const MetadataMachine& machine) {
      // Whoever was before in the line may have fetched a block already.
      return next_id_ == end_of_block_ ? machine.allocate_producer_ids(node, broker_epoch) : ProducerIdsDecision{};
    });
    if (decision.refused) co_return Errc::no_space;
    if (decision.records.empty()) continue;
    next_id_ = decision.first;
    end_of_block_ = decision.end;
  }
  const ProducerId id = next_id_;
  ++next_id_;
  co_return id;
}

}  // namespace tidelog::broker
