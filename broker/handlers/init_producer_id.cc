#include "broker/handlers/handler.h"
#include "broker/quorum/controller.h"
#include "broker/shard/run_on.h"
#include "proto/messages/init_producer_id_request.h"
#include "proto/messages/init_producer_id_response.h"

namespace tidelog::broker {
namespace {

/// On the controller's shard.
asio::awaitable<void> draw_id(const HandlerContext& context, Result<ProducerId>& drawn) {
  Controller& controller = context.node.controller;
  const std::int64_t epoch = controller.machine().image()->brokers().at(context.node.id).broker_epoch;
  drawn = co_await controller.next_producer_id(context.node.id, epoch);
}

}  // namespace

/// InitProducerId (key 22) for idempotent producers: an id that nobody had before, epoch 0. Transactional ids need a transaction
/// coordinator, which this version lacks.
Handle handle_init_producer_id(HandlerContext context, Request request, SendQueue& to) {
  proto::InitProducerIdRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("an InitProducerId request could not be read");
    co_return Outcome::close;
  }
  proto::InitProducerIdResponse response;
  response.producer_epoch = -1;
  const bool half_given = (message.producer_id < 0) != (message.producer_epoch < 0);
  if (half_given) {
    response.error_code = static_cast<std::int16_t>(ErrorCode::invalid_request);
  } else if (!proto::is_null(message.transactional_id)) {
    const bool is_empty = message.transactional_id.empty();
    response.error_code = static_cast<std::int16_t>(is_empty ? ErrorCode::invalid_request : ErrorCode::coordinator_not_available);
  } else {
    Result<ProducerId> drawn = ProducerId{-1};
    co_await await_on(context.node.home().shard.loop(), context.loop(), draw_id(context, drawn));
    if (drawn) {
      response.producer_id = drawn->value;
      response.producer_epoch = 0;
    } else {
      // As Kafka answers while it cannot get ids: every client asks again.
      response.error_code = static_cast<std::int16_t>(ErrorCode::coordinator_load_in_progress);
    }
  }
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
