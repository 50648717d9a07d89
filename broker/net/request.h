#pragma once

#include "broker/net/receive_buffer.h"
#include "broker/net/send_queue.h"
#include "proto/codec/frame.h"

#include <memory>
#include <string>

namespace tidelog::broker {

class Connection;
class RequestQuota;

/// One request as it stands in its connection's buffer. Views stay good while `block` is held.
struct Request {
  proto::RequestHeader header;
  MutableBytes body;  ///< Mutable, since a batch is stamped where it lies.
  ReceiveBlockPointer block;
  RequestQuota* quota = nullptr;  ///< Set if its client may spend no more than a share of the loops' time.
};

/// What becomes of a connection after a request.
enum class Outcome : std::uint8_t { keep, close };

/// A response that is not there yet while later requests go on: only Produce has one. Responses leave in the order of their requests, so
/// it is encoded when all before it are.
class PendingResponse {
 public:
  PendingResponse() = default;
  PendingResponse(const PendingResponse&) = delete;
  PendingResponse& operator=(const PendingResponse&) = delete;
  virtual ~PendingResponse() = default;

  [[nodiscard]] bool is_ready() const { return is_ready_; }
  /// Writes the whole frame; `close` after it instead of going on, if the answer says so.
  virtual Outcome encode(SendQueue& to) = 0;

 protected:
  bool is_ready_ = false;
};

/// What the layers above do with requests. One per shard. Thread: its loop.
class RequestHandler {
 public:
  RequestHandler() = default;
  RequestHandler(const RequestHandler&) = delete;
  RequestHandler& operator=(const RequestHandler&) = delete;
  virtual ~RequestHandler() = default;

  enum class Started : std::uint8_t {
    yes,
    later,  ///< There is no memory for its answer now: `produce_later` waits for it.
    never,  ///< It cannot be served at all; close the connection.
  };

  /// Starts a produce, and takes the request if it does. When this returns `yes`, every part of it is in its owner's mailbox, in order
  /// (R7); the answer comes through `Connection::response_ready`.
  virtual Started produce(Connection& connection, Request& request, std::unique_ptr<PendingResponse>& response) = 0;
  /// The same once there is memory. Null: close the connection.
  virtual asio::awaitable<std::unique_ptr<PendingResponse>> produce_later(Connection& connection, Request request) = 0;
  /// Any other request, answered before the next one of this connection is looked at. The frame goes into `to`.
  virtual asio::awaitable<Outcome> serve(Connection& connection, Request request, SendQueue& to) = 0;
  /// The connection is gone; what was kept for it goes too.
  virtual void closed(Connection& connection) = 0;
};

}  // namespace tidelog::broker
