#include "broker/handlers/handler.h"

namespace tidelog::broker {

Endpoint address_for(const HandlerContext& context) {
  const Endpoint& advertised = context.node.advertised[context.connection.client().listener];
  if (!advertised.host.empty()) return advertised;
  // Not told otherwise, the address this very client came in on is one it can reach.
  return context.connection.local();
}

}  // namespace tidelog::broker
