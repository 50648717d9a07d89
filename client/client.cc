#include "client/consumer/consumer_core.h"
#include "client/producer/producer_core.h"
#include <tidelog/client.h>

namespace tidelog {

result<client> client::open(const config& settings) {
  result<core::Settings> read = core::read_settings(settings);
  if (!read) return read.error();
  if (read->bootstrap.empty()) return error(errc::invalid_config, "no broker is named").set_hint("set bootstrap.servers to host:port");
  return client(std::make_shared<core::ClientCore>(*std::move(read)));
}

producer client::make_producer(producer_options options) {
  return producer(std::make_shared<core::ProducerCore>(core_, std::move(options)));
}
consumer client::make_consumer() { return consumer(std::make_shared<core::ConsumerCore>(core_)); }
tidelog::admin client::admin() { return tidelog::admin(core_); }

}  // namespace tidelog
