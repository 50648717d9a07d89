#pragma once

#include "broker/handlers/handler.h"

namespace tidelog::broker {

/// Bodies up to here are served as they come: what they can make a handler lay out is little.
inline constexpr std::size_t kSmallBodyBytes = 1024;

/// Takes memory for what a request will make its handler lay out, which may be many times its bytes: it counts the request's elements
/// first and holds them against `max.request.elements` and the pool of answers. Waits for the pool if it must.
/// False: the request is refused and the reason noted at the connection, which has to be closed. Call for served versions only.
/// The memory is the connection's `laid_out`, and goes back when the request was served.
asio::awaitable<bool> admit(HandlerContext context, const Request& request);

/// More of it, for an answer that grows with what the broker has instead of what was asked; call it before the answer is laid out. A little
/// is had for nothing. False as of `admit`.
asio::awaitable<bool> take_for_answer(HandlerContext context, std::size_t bytes);

enum class Admission : std::uint8_t { admitted, lacks_memory, refused };

/// The same for a Produce, which may not wait before its parts are in the request's order.
Admission admit_now(const Node& node, Connection& connection, const Request& request, AnswerMemory& memory);

/// For one that lacked memory: waits until it has it.
asio::awaitable<bool> admit_later(const Node& node, Connection& connection, const Request& request, AnswerMemory& memory);

/// Counts that a request was refused because it asks for more than one may; its connection stays.
void note_request_too_large(HandlerContext context, std::string_view why);

}  // namespace tidelog::broker
