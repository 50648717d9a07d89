#include "broker/handlers/handler.h"
#include "broker/handlers/request_quota.h"

namespace tidelog::broker {

void let_go_of(Request& request, Connection& connection, std::string& client_id) {
  client_id = request.header.client_id.substr(0, kNameInLog);
  request.header.client_id = client_id;
  if (request.quota != nullptr) request.quota->outlive_request();
  request.body = {};
  request.block.reset();
  connection.let_go_of_request();
}

}  // namespace tidelog::broker
