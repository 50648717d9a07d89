#include "broker/handlers/handler.h"
#include "proto/messages/create_acls_request.h"
#include "proto/messages/create_acls_response.h"
#include "proto/messages/delete_acls_request.h"
#include "proto/messages/delete_acls_response.h"
#include "proto/messages/describe_acls_request.h"
#include "proto/messages/describe_acls_response.h"

#include <vector>

// Nobody logs in and everything is allowed, so there are no access rules to keep. Kafka without an authorizer answers the same code, which
// tells a client that the broker knows the request; one that stored rules nobody enforces would be worse than none.

namespace tidelog::broker {
namespace {

constexpr auto kDisabled = static_cast<std::int16_t>(ErrorCode::security_disabled);
constexpr std::string_view kReason = "this broker has no authorization: every client may do everything, and no ACLs are kept";

}  // namespace

/// DescribeAcls (KIP-140, key 29).
Handle handle_describe_acls(HandlerContext context, Request request, SendQueue& to) {
  proto::DescribeAclsRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a DescribeAcls request could not be read");
    co_return Outcome::close;
  }
  proto::DescribeAclsResponse response;
  response.error_code = kDisabled;
  response.error_message = kReason;
  respond(request, response, to);
  co_return Outcome::keep;
}

/// CreateAcls (KIP-140, key 30).
Handle handle_create_acls(HandlerContext context, Request request, SendQueue& to) {
  proto::CreateAclsRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a CreateAcls request could not be read");
    co_return Outcome::close;
  }
  std::vector<proto::CreateAclsResponse::AclCreationResult> results;
  for ([[maybe_unused]] const auto& creation : message.creations) results.push_back({.error_code = kDisabled, .error_message = kReason});
  proto::CreateAclsResponse response;
  response.results = results;
  respond(request, response, to);
  co_return Outcome::keep;
}

/// DeleteAcls (KIP-140, key 31).
Handle handle_delete_acls(HandlerContext context, Request request, SendQueue& to) {
  proto::DeleteAclsRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a DeleteAcls request could not be read");
    co_return Outcome::close;
  }
  std::vector<proto::DeleteAclsResponse::DeleteAclsFilterResult> results;
  for ([[maybe_unused]] const auto& filter : message.filters) results.push_back({.error_code = kDisabled, .error_message = kReason});
  proto::DeleteAclsResponse response;
  response.filter_results = results;
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
