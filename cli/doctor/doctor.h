#pragma once

#include "cli/doctor/cluster_view.h"
#include "cli/doctor/explain.h"

#include <optional>

namespace tidelog::cli {

/// Goes the way of a client, from the name it was given to every broker that the cluster names, and notes at each hop what it finds.
class Doctor {
 public:
  Doctor(std::vector<core::Address> bootstrap, std::chrono::milliseconds timeout) : bootstrap_(std::move(bootstrap)), timeout_(timeout) {}

  Report examine();

 private:
  /// A hop that can be talked to, and what its broker says about the cluster.
  struct Reached {
    core::SocketAddress address;
    KafkaDialog dialog;
    ClusterView view;
  };

  void examine_bootstrap(const core::Address& address);
  void examine_broker(const BrokerView& broker);
  bool is_dialable(const BrokerView& broker, const Hop& hop, const core::Resolved& resolved);
  void examine_identity(const BrokerView& broker, const Hop& hop, Reached& reached);
  void learn_min_in_sync();

  std::optional<core::Resolved> resolve(const core::Address& address, const Hop& hop);
  /// Every address of the name; what was reached first.
  std::optional<Reached> dial_all(const core::Resolved& resolved, const Hop& hop, bool with_topics);
  HopResult<Reached> dial(const core::SocketAddress& address, bool with_topics);
  void note_reached(const Hop& hop, const Reached& reached, core::TimePoint since);
  void add(Verdict verdict, const Hop& hop, Finding finding);

  std::vector<core::Address> bootstrap_;
  std::chrono::milliseconds timeout_;
  Report report_;
  std::optional<Reached> cluster_;  ///< By way of the first bootstrap address that answered.
};

}  // namespace tidelog::cli
