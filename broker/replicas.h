#pragma once

#include "broker/log_dir.h"
#include "broker/partition/services.h"
#include "broker/quorum/controller.h"
#include "broker/shard/shared_journal.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// Makes what this node holds follow the metadata: opens partitions at start, makes and removes them as topics come and go, and shows each
/// committed image to every shard.
/// Thread: the first shard's loop; work on partitions goes to their owners, work on directories to the blocking pool.
class Replicas final : public MetadataListener {
 public:
  /// What the logs' disk is asked, and whom to tell when it fails.
  struct Disk {
    SharedJournal& journal;
    std::function<void(std::string)> on_failure;
  };
  Replicas(Env& env, const BrokerOptions& options, std::span<const std::unique_ptr<ShardServices>> shards, Disk disk);

  /// What the replay of the metadata log came to.
  struct Metadata {
    std::shared_ptr<const Image> image;
    std::set<Uuid> deleted_topics;  ///< What is still there of them goes.
  };

  /// Opens every partition of `image` that this node holds; `report` says what recovery did. A log that cannot be opened is served offline
  /// or not at all; the others serve. Unless the report says that nobody may: then none does.
  asio::awaitable<void> open_all(LogDir& dir, const Metadata& metadata, storage::RecoveryReport& report);
  /// What this broker's options come to, configs of the metadata included. Valid from `open_all` on; replaced whole.
  [[nodiscard]] const std::shared_ptr<const BrokerOptions>& in_force() const { return in_force_; }
  /// `changed` is called whenever they changed.
  void on_options(std::function<void(const BrokerOptions&)> changed) { on_options_ = std::move(changed); }
  /// `gone` hears of every topic that was deleted, once none of it is served any more.
  void on_topic_gone(std::function<void(const TopicImage&)> gone) { on_topic_gone_ = std::move(gone); }

  /// Shows `image` to every shard, without making anything.
  asio::awaitable<void> publish(std::shared_ptr<const Image> image);

  asio::awaitable<void> on_commit(std::shared_ptr<const Image> before, std::shared_ptr<const Image> after) override;
  [[nodiscard]] std::string why_not_ready(const Uuid& topic) const override;
  asio::awaitable<void> make_ready(std::shared_ptr<const Image> image) override;

 private:
  struct NewLog {
    TopicPartition id;
    std::string topic;
    LeaderEpoch epoch;
    std::shared_ptr<const TopicConfig> config;
    storage::LogPlace place;
    storage::LogIdentity identity;
    std::unique_ptr<storage::Log> log;
    std::optional<Errc> refused;  ///< The disk did not let it be made; that is tried again.
  };

  /// What of a deleted topic was served here, and what never was.
  struct Removed {
    std::vector<std::unique_ptr<Partition>> served;
    std::vector<PartitionIndex> unserved;
  };

  /// A partition whose settings change.
  struct NewConfig {
    TopicPartition id;
    std::shared_ptr<const TopicConfig> config;
  };

  [[nodiscard]] std::shared_ptr<const TopicConfig> config_of(const TopicImage& topic) const;
  void resolve_options(const Image& image);
  bool follow_options(const Image& before, const Image& after);
  void add_changes(const TopicImage& topic, std::vector<NewConfig>& to) const;
  asio::awaitable<void> reconfigure(std::vector<NewConfig> changes);
  static asio::awaitable<void> apply_configs(ShardServices& services, const BrokerOptions& options,
                                             const std::vector<const NewConfig*>& changes);
  /// What this node holds of the topic's partitions from number `first` on, looking at `most`.
  std::vector<NewLog> plan(const TopicImage& topic, std::size_t first, std::size_t most = SIZE_MAX);
  asio::awaitable<void> create_partitions(const TopicImage& topic, std::size_t first);
  asio::awaitable<void> make(std::vector<NewLog>& logs);
  Result<void> make_logs(std::vector<NewLog>& logs) const;
  void make_one(NewLog& wanted) const;
  Result<void> make_durable(std::vector<NewLog>& logs) const;
  /// Keeps in mind what could not be made, and logs it once for a topic.
  void note_refused(const std::vector<NewLog>& logs);
  void forget_refused(const Uuid& topic);
  asio::awaitable<void> remove_topic(const TopicImage& topic);
  static void take_away(ShardServices& owner, const TopicPartition& id, Removed& removed);
  void remove_directories(const TopicImage& topic, const Removed& removed) const;
  void remove_directory(const storage::LogPlace& place, std::uint64_t log_id) const;
  void remove_unserved(const TopicImage& topic, PartitionIndex partition) const;
  asio::awaitable<void> hand_out(std::vector<NewLog> logs);
  static void add_to(ShardServices& services, const std::vector<NewLog*>& logs);
  void open_one(NewLog& wanted, TimestampMs now, storage::RecoveryReport& report) const;
  void note_unopened(const NewLog& wanted, std::optional<std::uint64_t> log_id, storage::RecoveryReport& report) const;
  bool read_journal(storage::RecoveryReport& report) const;
  void remove_left_overs(const Metadata& metadata) const;
  void move_stray_away(const std::string& path, const storage::LogIdentity& identity) const;
  [[nodiscard]] ShardServices& owner_of(const TopicPartition& id) const { return *shards_[shard_of(id, shards_.size())]; }
  [[nodiscard]] Loop& home() const { return shards_.front()->shard.loop(); }

  Env& env_;
  const BrokerOptions& options_;
  std::span<const std::unique_ptr<ShardServices>> shards_;
  Disk disk_;
  LogDir* dir_ = nullptr;
  std::shared_ptr<const BrokerOptions> in_force_;
  std::shared_ptr<const TopicConfig> defaults_;  ///< Of a topic without configs of its own: shared by all of them.
  std::map<TopicPartition, Errc> refused_;       ///< Committed, and not made so far.
  std::function<void(const BrokerOptions&)> on_options_;
  std::function<void(const TopicImage&)> on_topic_gone_;
};

}  // namespace tidelog::broker
