#pragma once

#include <tidelog/admin.h>
#include <tidelog/config.h>
#include <tidelog/consumer.h>
#include <tidelog/producer.h>

#include <chrono>
#include <memory>

namespace tidelog {

namespace core {
class ClientCore;
}

/// A cluster, as one program sees it: connections and metadata, shared by the producers and consumers made from it.
/// Life: those may outlive it, in any order; the last one ends the I/O thread.  Thread: any.
class client {
 public:
  /// Checks the settings and starts the I/O thread. Nothing is sent yet: a broker that is down shows at the first call.
  static result<client> open(const config& settings);

  [[nodiscard]] producer make_producer(producer_options options = {});
  [[nodiscard]] consumer make_consumer();
  [[nodiscard]] tidelog::admin admin();

 private:
  explicit client(std::shared_ptr<core::ClientCore> core) : core_(std::move(core)) {}
  std::shared_ptr<core::ClientCore> core_;
};

}  // namespace tidelog
