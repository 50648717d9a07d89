#pragma once

#include "broker/log_dirs.h"
#include "broker/partition/services.h"
#include "broker/partition_finder.h"
#include "broker/quorum/controller.h"

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
  /// Where logs are, and whom to tell when one of the directories fails.
  struct Disks {
    LogDirs& dirs;
    std::function<void(std::size_t dir, DiskFailure kind, const std::string& what)> on_failure;
  };
  Replicas(Env& env, const BrokerOptions& options, std::span<const std::unique_ptr<ShardServices>> shards, Disks disks);

  /// What the replay of the metadata log came to.
  struct Metadata {
    std::shared_ptr<const Image> image;
    std::set<Uuid> deleted_topics;  ///< What is still there of them goes.
  };

  /// Opens every partition of `image` that this node holds; `report` says what recovery did. A log that cannot be opened is served offline
  /// or not at all; the others serve. Unless the report says that nobody may: then none does. A directory whose journal would have to be
  /// given up goes offline instead, if the broker can do without it.
  asio::awaitable<void> open_all(const Metadata& metadata, storage::RecoveryReport& report);
  /// What `open_all` found in another directory than the metadata say, or they did not say: to be committed.
  [[nodiscard]] std::vector<MetadataRecord> take_assignments() { return std::exchange(assignments_, {}); }
  /// Takes the partitions of an offline directory out of service: whoever waits there, or asks from now on, gets KAFKA_STORAGE_ERROR.
  asio::awaitable<void> withdraw(std::size_t dir);
  /// What this broker's options come to, configs of the metadata included. Valid from `open_all` on; replaced whole.
  [[nodiscard]] const std::shared_ptr<const BrokerOptions>& in_force() const { return in_force_; }
  /// `changed` is called whenever they changed.
  void on_options(std::function<void(const BrokerOptions&)> changed) { on_options_ = std::move(changed); }
  /// `gone` hears of every topic that was deleted, once none of it is served any more.
  void on_topic_gone(std::function<void(const TopicImage&)> gone) { on_topic_gone_ = std::move(gone); }
  /// `withdrawn` is called on each shard's loop with the partitions that it no longer serves because their directory failed.
  void on_withdrawn(std::function<void(const ShardServices&, const std::vector<TopicPartition>&)> withdrawn) {
    on_withdrawn_ = std::move(withdrawn);
  }

  /// Shows `image` to every shard, without making anything.
  asio::awaitable<void> publish(std::shared_ptr<const Image> image);

  asio::awaitable<void> on_commit(std::shared_ptr<const Image> before, std::shared_ptr<const Image> after) override;
  [[nodiscard]] std::string why_not_ready(const Uuid& topic) const override;
  asio::awaitable<void> make_ready(std::shared_ptr<const Image> image) override;

 private:
  /// From here on one sync of the whole disk is cheaper than one of each new directory.
  static constexpr std::size_t kManyLogs = 8;
  struct NewLog {
    TopicPartition id;
    std::string topic;
    LeaderEpoch epoch;
    std::shared_ptr<const TopicConfig> config;
    Uuid directory;            ///< As the metadata say; zero: they do not.
    ServedDir* dir = nullptr;  ///< Null: nowhere that can be used.
    storage::LogPlace place;
    storage::LogIdentity identity;
    std::unique_ptr<storage::Log> log;
    bool is_durable = false;      ///< What was found of it was synced since the start.
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
  void settle(NewLog& log, ServedDir* dir) const;
  [[nodiscard]] ServedDir* dir_of(const Uuid& directory) const;
  asio::awaitable<void> create_partitions(const TopicImage& topic, std::size_t first);
  asio::awaitable<void> make(std::vector<NewLog>& logs);
  Result<void> make_logs(std::vector<NewLog*>& logs) const;
  void make_one(NewLog& wanted) const;
  Result<void> make_durable(std::vector<NewLog*>& logs) const;
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
  std::vector<std::unique_ptr<Partition>> take_all(ShardServices& owner, std::size_t dir);
  void open_logs(std::vector<NewLog>& logs, const Metadata& metadata, TimestampMs now, storage::RecoveryReport& report);
  void locate(std::vector<NewLog>& logs, const Image& image, storage::RecoveryReport& report);
  void sync_unlisted(std::vector<NewLog>& logs, storage::RecoveryReport& report) const;
  void open_in_its_dir(NewLog& wanted, TimestampMs now, storage::RecoveryReport& report) const;
  void open_one(NewLog& wanted, TimestampMs now, storage::RecoveryReport& report) const;
  void open_found(NewLog& wanted, const storage::LogIdentity& there, TimestampMs now, storage::RecoveryReport& report) const;
  void make_at_start(NewLog& wanted, storage::RecoveryReport& report) const;
  void add_known(const NewLog& wanted, storage::OpenRequest& request) const;
  [[nodiscard]] std::string left_in_a_journal(const PartitionFinder::Found& place) const;
  void note_unopened(const NewLog& wanted, std::optional<std::uint64_t> log_id, storage::RecoveryReport& report) const;
  static void read_journal(ServedDir& served, storage::RecoveryReport& report);
  void put_aside(ServedDir& served, storage::RecoveryReport& report) const;
  void remove_left_overs(const ServedDir& served, const Metadata& metadata) const;
  void move_stray_away(const std::string& path, const storage::LogIdentity& identity) const;
  [[nodiscard]] ShardServices& owner_of(const TopicPartition& id) const { return *shards_[shard_of(id, shards_.size())]; }
  [[nodiscard]] Loop& home() const { return shards_.front()->shard.loop(); }

  Env& env_;
  const BrokerOptions& options_;
  std::span<const std::unique_ptr<ShardServices>> shards_;
  Disks disks_;
  std::shared_ptr<const BrokerOptions> in_force_;
  std::shared_ptr<const TopicConfig> defaults_;  ///< Of a topic without configs of its own: shared by all of them.
  std::map<TopicPartition, Errc> refused_;       ///< Committed, and not made so far.
  std::function<void(const BrokerOptions&)> on_options_;
  std::function<void(const TopicImage&)> on_topic_gone_;
  std::function<void(const ShardServices&, const std::vector<TopicPartition>&)> on_withdrawn_;
  std::vector<MetadataRecord> assignments_;
};

}  // namespace tidelog::broker
