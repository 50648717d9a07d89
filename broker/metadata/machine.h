#pragma once

#include "broker/metadata/commands.h"
#include "broker/metadata/image.h"
#include "proto/base/result.h"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

namespace tidelog::broker {

struct MetadataOptions {
  std::int32_t default_partitions = 1;          ///< num.partitions
  std::int16_t default_replication_factor = 1;  ///< default.replication.factor
  std::int32_t max_partitions_per_request = 10'000;
};

/// The cluster metadata: brokers, topics, configurations, producer ids. Decisions say what should be; only `apply` makes it so, and it
/// alone is needed to rebuild everything from the log.
///
///   RegisterBroker    node absent | present                   -> present with a higher epoch; unclean: its leaderships get new leader
///   epochs CreateTopic       name and id free                        -> topic with all its partitions DeleteTopic       topic present ->
///   gone; its id is not known any more, its name is free SetConfig         topic present, or any broker            -> key set or taken
///   back ProducerIdBlock   next id not below the one before        -> ids below it are given away ClusterInfo       no cluster id, or this
///   one              -> cluster id
///
/// Life: dropped and replayed when leadership or the disk is lost; never rolled back (R8).
/// Thread: its owner's; what `publish` returns may go to any.
/// Invariant: `check_invariants`, after each step in debug builds.
class MetadataMachine {
 public:
  explicit MetadataMachine(MetadataOptions options = {}) : options_(options) {}

  /// Decisions change nothing: two in a row without `apply` between them give the same answer, ids included.
  [[nodiscard]] CreateTopicsDecision create_topics(const CreateTopicsCommand& command) const;
  [[nodiscard]] DeleteTopicsDecision delete_topics(const DeleteTopicsCommand& command) const;
  /// A topic a client named in Metadata or a coordinator needs, with the defaults. Exactly one verdict.
  [[nodiscard]] CreateTopicsDecision auto_create(std::string_view name, const Uuid& topic_id, std::uint32_t placement_seed) const;
  [[nodiscard]] RegisterBrokerDecision register_broker(const RegisterBrokerCommand& command) const;
  [[nodiscard]] AllocateProducerIdsDecision allocate_producer_ids(const AllocateProducerIdsCommand& command) const;
  /// Gives a new cluster its id; no records if it has one.
  [[nodiscard]] Decision found_cluster(const Uuid& cluster_id) const;

  /// Makes a record true. `Errc::corrupt` if it does not fit what is there (a topic deleted twice, say): then nothing changed, and the log
  /// it came from is damaged. Records of a decision always fit if they are applied before anything else is.
  Result<void> apply(const MetadataRecord& record);

  /// Not from a record: the quorum says who leads it. Part of the next published image.
  void set_controller(NodeId controller);

  /// For reading where the machine lives. Invalid after the next `apply`.
  [[nodiscard]] const Image& image() const { return image_; }
  /// A copy for all shards, made only if something changed since the last. Call it once a commit, not once a record.
  std::shared_ptr<const Image> publish();

  /// Checks everything, in time proportional to the number of partitions.
  void check_invariants() const;

 private:
  class TopicCreation;  // one CreateTopics request while it is decided

  Result<void> apply_one(const RegisterBroker& record);
  Result<void> apply_one(const CreateTopic& record);
  Result<void> apply_one(const DeleteTopic& record);
  Result<void> apply_one(const SetConfig& record);
  Result<void> apply_one(const ProducerIdBlock& record);
  Result<void> apply_one(const ClusterInfo& record);
  void raise_leader_epochs(NodeId leader);

  MetadataOptions options_;
  Image image_;
  std::shared_ptr<const Image> published_;                  ///< Null once it is stale.
  std::unordered_set<std::string> names_that_may_collide_;  ///< Those with a dot or underscore, with dots written as underscores.
};

}  // namespace tidelog::broker
