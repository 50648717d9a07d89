#pragma once

#include "broker/metadata/machine.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

// What the tests of the metadata machine start from.

namespace tidelog::broker {

/// An id that a test can tell from others: all zero but for the last byte.
inline Uuid test_id(int n) {
  Uuid id;
  id.bytes.back() = static_cast<std::byte>(n);
  return id;
}

inline NewTopic new_topic(std::string name, int id, std::int32_t partitions = -1, std::int32_t replication_factor = -1) {
  return {.name = std::move(name), .partitions = partitions, .replication_factor = replication_factor, .id = test_id(id)};
}

template <class Decision>
void apply_all(MetadataMachine& machine, const Decision& decision) {
  for (const MetadataRecord& record : decision.records) ASSERT_TRUE(machine.apply(record).has_value());
}

inline void register_node(MetadataMachine& machine, std::int32_t node, int incarnation, bool unclean = false) {
  apply_all(machine, machine.register_broker({.node_id = {node}, .incarnation = test_id(incarnation), .unclean = unclean}));
}

/// A machine with brokers 1 to `brokers`.
inline MetadataMachine machine_with_brokers(int brokers) {
  MetadataMachine machine;
  for (int node = 1; node <= brokers; ++node) register_node(machine, node, node);
  return machine;
}

inline void create(MetadataMachine& machine, std::vector<NewTopic> topics) {
  apply_all(machine, machine.create_topics({.topics = std::move(topics)}));
}

}  // namespace tidelog::broker
