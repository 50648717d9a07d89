#pragma once

#include "broker/group/records.h"

#include <functional>
#include <string>
#include <vector>

// How scripts write down what is stored.

namespace tidelog::broker {

/// What a topic is called that goes by its id.
using NameOfTopic = std::function<std::string(const Uuid&)>;

template <class Topics>
NameOfTopic names_of(const Topics& topics) {
  return [&topics](const Uuid& id) { return topics.name_of(id); };
}

/// TOPIC:PARTITION,PARTITION/TOPIC:... with the epoch after each that has one.
std::string text_of(const PartitionsById& partitions, const PartitionEpochs& epochs, const NameOfTopic& name_of);
std::string text_of(const GroupRecord& record, const NameOfTopic& name_of);

template <class Topics>
std::string text_of(const PartitionsById& partitions, const Topics& topics) {
  return text_of(partitions, {}, names_of(topics));
}
template <class Topics>
std::string text_of(const GroupRecord& record, const Topics& topics) {
  return text_of(record, names_of(topics));
}

std::string joined(const std::vector<std::string>& parts);

}  // namespace tidelog::broker
