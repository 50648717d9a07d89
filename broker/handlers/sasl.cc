#include "broker/handlers/handler.h"
#include "proto/messages/sasl_authenticate_request.h"
#include "proto/messages/sasl_authenticate_response.h"
#include "proto/messages/sasl_handshake_request.h"
#include "proto/messages/sasl_handshake_response.h"

// Nobody logs in on a PLAINTEXT listener, which all are. A client that is set up to log in learns so by this answer; one whose connection
// was closed would try again for ever. Both may be asked at any time, and the connection goes on.

namespace tidelog::broker {
namespace {

constexpr auto kNoLogin = static_cast<std::int16_t>(ErrorCode::illegal_sasl_state);
constexpr std::string_view kReason = "nobody logs in on this listener: set security.protocol=PLAINTEXT in the client";

}  // namespace

/// SaslHandshake (KIP-43, key 17).
Handle handle_sasl_handshake(HandlerContext context, Request request, SendQueue& to) {
  proto::SaslHandshakeRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a SaslHandshake request could not be read");
    co_return Outcome::close;
  }
  proto::SaslHandshakeResponse response;
  response.error_code = kNoLogin;
  respond(request, response, to);
  co_return Outcome::keep;
}

/// SaslAuthenticate (KIP-152, key 36).
Handle handle_sasl_authenticate(HandlerContext context, Request request, SendQueue& to) {
  proto::SaslAuthenticateRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a SaslAuthenticate request could not be read");
    co_return Outcome::close;
  }
  proto::SaslAuthenticateResponse response;
  response.error_code = kNoLogin;
  response.error_message = kReason;
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
