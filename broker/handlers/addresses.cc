#include "broker/handlers/handler.h"

namespace tidelog::broker {

Endpoint address_for(const HandlerContext& context) {
  if (!context.node.advertised.host.empty()) return context.node.advertised;
  // Not told otherwise, the address this very client came in on is one it can reach.
  return context.connection.local();
}

}  // namespace tidelog::broker
