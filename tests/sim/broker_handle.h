#pragma once

#include "broker/env/env.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tidelog::sim {

/// What a run sets on the broker it tests.
struct BrokerSettings {
  std::string directory;
  std::vector<std::string> more_directories{};
  broker::Endpoint listen;
  std::int32_t index_bytes = 0;
  std::int32_t index_interval_bytes = 0;
  int partitions = 1;
  std::int64_t journal_bytes = 0;
  bool has_groups = false;                      ///< With times and sizes for groups that a short run meets.
  std::function<void(const std::string&)> log;  ///< Null: nobody reads.
};

/// One start of a broker. Destroying it without `stopped` is a crash, which is right only after its Env was killed.
class BrokerHandle {
 public:
  BrokerHandle() = default;
  BrokerHandle(const BrokerHandle&) = delete;
  BrokerHandle& operator=(const BrokerHandle&) = delete;
  virtual ~BrokerHandle() = default;

  virtual void start() = 0;
  [[nodiscard]] virtual bool ready() const = 0;
  /// Asks it to stop; `stopped` once it has.
  virtual void stop() = 0;
  [[nodiscard]] virtual bool stopped() const = 0;
  /// Not empty: it could not start, or gave up; a supervisor would start it again.
  [[nodiscard]] virtual std::string failure() const = 0;
  /// Whether this start found acknowledged records in the journal alone.
  [[nodiscard]] virtual bool has_restored() const { return false; }
};

using BrokerFactory = std::function<std::unique_ptr<BrokerHandle>(broker::Env&, const BrokerSettings&)>;

/// Makes the broker of this tree.
BrokerFactory real_broker();

}  // namespace tidelog::sim
