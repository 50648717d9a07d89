#include "broker/net/connection.h"

#include "broker/logging/log.h"
#include "broker/net/ip_name.h"
#include "broker/shard/let_others_go_on.h"
#include "proto/base/check.h"
#include "proto/codec/api_table.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>

namespace tidelog::broker {
namespace {

/// Above this many unsent bytes no further request is started: the peer reads slower than it asks.
constexpr std::uint64_t kUnsentLimitBytes = 8 * 1024 * 1024;
/// The same while memory for answers is scarce.
constexpr std::uint64_t kScarceUnsentLimitBytes = 64 * 1024;
/// So much of answers costs a connection nothing.
constexpr std::size_t kFreeUnsentBytes = 4 * 1024;
/// What a peer has to take within `response.write.timeout.ms`, or it is no reader: 2 KiB a second by default.
constexpr std::uint64_t kLeastTakenBytes = 64 * 1024;
/// Room is made for those who wait once a second: whoever has less time for its request waits for more than one such time all the same.
constexpr SteadyTime kLeastPause = std::chrono::seconds(3);
/// Over less, a reader's pace says nothing.
constexpr SteadyTime kPaceTime = std::chrono::seconds(1);
/// How long a connection whose requests came together keeps the loop. One block holds thousands of small ones.
constexpr SteadyTime kTurn = std::chrono::milliseconds(1);
/// Starting a produce takes less than a look at the clock should be spent on.
constexpr int kProducesToALook = 16;

}  // namespace

Connection::Connection(const ConnectionHost& host, std::unique_ptr<Stream> stream)
    : shard_(host.shard),
      handler_(host.handler),
      stream_(std::move(stream)),
      limits_(host.limits),
      relief_(host.relief),
      received_(limits_.max_frame_bytes),
      writers_(shard_.loop().executor()),
      progress_(shard_.loop().executor()),
      deadline_([this] { on_deadline(); }),
      unmute_([this] { progress_.notify(); }) {}

Connection::~Connection() { shard_.forget(*this); }

const TurnTaker& Connection::taker() {
  if (!taker_) {
    const Endpoint from = peer();
    taker_ = {.address = shard_.who(counted_ip(from.host)), .connection = shard_.who(from.host + " " + std::to_string(from.port))};
  }
  return *taker_;
}

asio::awaitable<void> Connection::run() {
  last_activity_ = shard_.loop().now();
  watch_deadline();
  try {
    co_await serve_until_end();
    co_await answered(0);
    send();
    co_await sent(0);
  } catch (const std::exception& error) {
    log_error("connection from {} ended by an internal error: {}", peer().host, error.what());
    forget_request();
  }
  close();
  // Every produce under way refers to this connection, and so does the writer, however the serving ended.
  co_await answered(0);
  co_await writers_.close();
  handler_.closed(*this);
}

/// An error took the request that was being served, and with it whatever that waited on: nobody may wake or hurry it any more.
void Connection::forget_request() {
  is_serving_ = false;
  memory_wait_.reset();
  client_.waits_on = nullptr;
  client_.waits_for_records = false;
}

asio::awaitable<void> Connection::serve_until_end() {
  while (!is_closed_ && !is_finishing_ && !close_when_sent_) {
    co_await serve_frames();
    if (is_closed_ || is_finishing_ || close_when_sent_) break;
    is_receiving_ = true;
    const bool received = co_await receive();
    is_receiving_ = false;
    if (!received) break;
  }
}

asio::awaitable<void> Connection::serve_frames() {
  turn_began_ = last_activity_;
  while (!is_closed_ && !close_when_sent_) {
    if (is_muted()) {
      co_await unmuted();
      if (is_closed_ || is_finishing_) co_return;
    }
    if (laid_out_.is_overdraft()) co_await sent(0);  // Of that much there is one answer at a time.
    Result<ReceiveBuffer::Frame> frame = received_.next_frame();
    if (!frame) {
      if (frame.error() == Errc::would_block) co_return;
      if (frame.error() == Errc::too_large) co_return fail(Limit::socket_request_max_bytes, "it announced a larger request");
      co_return fail(Limit::malformed_request, "it announced a frame of negative length");
    }
    frame_since_ = SteadyTime::max();
    if (memory_wait_) [[unlikely]]
      memory_wait_.reset();
    // The frame is held meanwhile, so that nobody takes what came for half a request.
    if (is_turn_over()) {
      co_await end_turn();
      if (is_closed_ || close_when_sent_) co_return;
    }
    const Result<proto::RequestFrame> decoded = proto::decode_request(frame->bytes);
    if (!decoded) co_return fail(Limit::malformed_request, "a request header could not be read");
    const auto body_at = static_cast<std::size_t>(decoded->body.data() - frame->bytes.data());
    Request request{.header = decoded->header, .body = frame->bytes.subspan(body_at), .block = std::move(frame->block)};
    // Only Produce may follow a Produce that is not answered yet (R7).
    if (request.header.api_key == static_cast<std::int16_t>(proto::ApiKey::produce)) {
      if (!start_produce(request)) co_await start_produce_later(std::move(request));
      if (pending_.size() >= limits_.max_in_flight) co_await have_fewer_in_flight();
    } else {
      co_await serve_one(std::move(request));
    }
    if (to_send_.unsent_bytes() > kScarceUnsentLimitBytes) {
      const std::uint64_t most = shard_.response_budget()->is_scarce() ? kScarceUnsentLimitBytes : kUnsentLimitBytes;
      if (to_send_.unsent_bytes() > most) co_await sent(most);
    }
  }
}

bool Connection::is_turn_over() const { return last_activity_ - turn_began_ >= kTurn; }

asio::awaitable<void> Connection::end_turn() {
  co_await let_others_go_on(shard_.loop());
  turn_began_ = shard_.loop().now();
}

bool Connection::start_produce(Request& request) {
  if (++produces_started_ % kProducesToALook == 0) last_activity_ = shard_.loop().now();
  std::unique_ptr<PendingResponse> response;
  if (handler_.produce(*this, request, response) == RequestHandler::Started::later) return false;
  keep_pending(std::move(response));
  return true;
}

asio::awaitable<void> Connection::start_produce_later(Request request) {
  is_serving_ = true;
  std::unique_ptr<PendingResponse> response = co_await handler_.produce_later(*this, std::move(request));
  is_serving_ = false;
  if (response == nullptr && client_.is_leaving) co_return close();
  keep_pending(std::move(response));
}

void Connection::keep_pending(std::unique_ptr<PendingResponse> response) {
  if (response == nullptr) {
    if (close_reason_.empty()) note_close_reason("a produce request could not be read, or its version is not served");
    return close();
  }
  pending_.push_back(std::move(response));
  if (pending_.front()->is_ready()) response_ready();
}

asio::awaitable<void> Connection::have_fewer_in_flight() {
  shard_.limits().hit(Limit::max_inflight_requests, shard_.loop().now(), "reading no further from {}:{} until it was answered", peer().host,
                      peer().port);
  co_await answered(limits_.max_in_flight - 1);
}

asio::awaitable<void> Connection::serve_one(Request request) {
  if (!pending_.empty()) co_await answered(0);
  if (is_closed_) co_return;
  // A coroutine that was spawned inside of somebody's piece of work, and waited, would have left that running.
  DCHECK(WorkTime::running() == nullptr);
  is_serving_ = true;
  const Outcome outcome = co_await handler_.serve(*this, std::move(request), to_send_);
  is_serving_ = false;
  last_activity_ = shard_.loop().now();
  if (outcome == Outcome::close) close_when_sent_ = true;
  send();
  // What was laid out is gone; an overdraft stays until its answer is, for no pool has room for that.
  if (!laid_out_.is_overdraft() || is_closed_ || to_send_.empty()) laid_out_.release();
  account_for_unsent();
}

asio::awaitable<bool> Connection::receive() {
  // What filled its room is likely followed by more; still the pass must end first, or appends would wait for the reader.
  if (received_.was_filled()) {
    co_await asio::post(shard_.loop().executor(), asio::use_awaitable);
  } else {
    before_waiting();
    co_await stream_->readable();
  }
  while (!is_closed_ && !is_finishing_) {
    if (is_muted()) co_await unmuted();
    if (is_closed_ || is_finishing_) co_return false;
    const std::size_t missing = make_room();
    if (missing > 0 && !co_await wait_for_room(missing)) co_return false;
    const Result<std::size_t> n = client_.work ? read_timed() : stream_->read(received_.writable());
    if (n) {
      received_.received(*n);
      last_activity_ = shard_.loop().now();
      co_return true;
    }
    if (n.error() != Errc::would_block) co_return false;
    before_waiting();
    co_await stream_->readable();
  }
  co_return false;
}

Result<std::size_t> Connection::read_timed() {
  const WorkTime::Piece piece(client_.payer(), shard_.loop());
  return stream_->read(received_.writable());
}

Result<void> Connection::send_timed() {
  const WorkTime::Piece piece(client_.payer(), shard_.loop());
  return to_send_.send(*stream_);
}

asio::awaitable<void> Connection::unmuted() {
  while (!is_closed_ && !is_finishing_ && is_muted()) {
    shard_.timers().arm(unmute_, muted_until_);
    co_await progress_.wait();
  }
  // The rest of a frame could not come while nobody read.
  if (frame_since_ != SteadyTime::max()) frame_since_ = shard_.loop().now();
}

void Connection::before_waiting() {
  received_.release_if_empty();
  account_for_unsent();
  if (received_.pending_bytes() == 0) return;
  if (shard_.budget()->is_scarce()) spare_memory();
  watch_frame();
}

void Connection::watch_frame() {
  if (received_.pending_bytes() == 0 || frame_since_ != SteadyTime::max()) return;
  frame_since_ = shard_.loop().now();
  frame_paused_ = SteadyTime::zero();
  watch_deadline();
}

std::size_t Connection::make_room() {
  const bool is_scarce = shard_.budget()->is_scarce();
  // The last of the memory is for requests that have begun to come: were it spent on beginnings, none would be read to its end.
  const bool is_for_others = received_.is_without_block() && shard_.budget()->used_bytes() > shard_.budget()->most_for_large();
  if (is_for_others && received_.use_spare()) return 0;
  std::size_t needed = received_.block_needed(is_scarce);
  if (needed == 0) return 0;
  if (!take_for_block(needed)) {
    received_.ask_for_less();
    needed = received_.block_needed(true);
    if (needed == 0 || received_.use_spare()) return 0;
    if (!take_for_block(needed)) return needed;
  }
  use_taken(needed);
  return 0;
}

asio::awaitable<bool> Connection::wait_for_room(std::size_t block_bytes) {
  // A request keeps its place in the line until it is whole: if all of a crowd went on a little in turn, none would get to its end.
  if (!memory_wait_) {
    const Budget::Wait::Who who{.taker = taker(), .woken = progress_, .loop = shard_.loop()};
    memory_wait_.emplace(shard_.budget(), who);
    lacked_since_ = shard_.loop().now();
  }
  without_memory_since_ = shard_.loop().now();
  const bool has_come = co_await wait_for_memory(block_bytes);
  frame_paused_ += shard_.loop().now() - std::exchange(without_memory_since_, SteadyTime::max());
  if (!has_come) {
    memory_wait_.reset();
    co_return false;
  }
  if (frame_since_ != SteadyTime::max()) watch_deadline();
  use_taken(block_bytes);
  co_return true;
}

void Connection::use_taken(std::size_t block_bytes) { received_.use_block(block_bytes, shard_.budget()); }

bool Connection::take_for_block(std::size_t bytes) { return shard_.budget()->try_take(bytes, received_.replaced_bytes()); }

asio::awaitable<bool> Connection::wait_for_memory(std::size_t bytes) {
  for (bool is_told = false;; co_await progress_.wait()) {
    if (is_closed_ || is_finishing_) co_return false;
    memory_wait_->ask(want_for_block(bytes));
    if (memory_wait_->take()) co_return true;
    if (std::exchange(is_told, true)) continue;
    shard_.limits().hit(Limit::queued_max_request_bytes, shard_.loop().now(), "reading no further from {}:{} until memory comes back",
                        peer().host, peer().port);
    watch_frame();
    watch_deadline();
    relief_.watch_request_memory();
  }
}

Budget::Wait::Want Connection::want_for_block(std::size_t bytes) const {
  using For = Budget::Wait::Want::For;
  const For is_for = received_.is_end(bytes) ? For::end : received_.is_beginning(bytes) ? For::beginning : For::itself;
  return {.bytes = bytes, .instead_of = received_.replaced_bytes(), .is_for = is_for};
}

void Connection::spare_memory() {
  const std::size_t least = received_.least_block();
  if (least == 0) return;
  shard_.budget()->take(least);
  use_taken(least);
}

asio::awaitable<void> Connection::answered(std::size_t at_most) {
  while (pending_.size() > at_most) co_await progress_.wait();
}

asio::awaitable<void> Connection::sent(std::uint64_t at_most_bytes) {
  while (!is_closed_ && to_send_.unsent_bytes() > at_most_bytes) co_await progress_.wait();
}

void Connection::end_of_pass() {
  encode_ready();
  send();
  account_for_unsent();
}

void Connection::account_for_unsent() {
  // A peer that says nothing shall cost nothing.
  if (is_receiving_ && pending_.empty()) to_send_.release_if_empty();
  const std::size_t held = to_send_.held_bytes();
  const std::size_t charged = held > kFreeUnsentBytes && !is_closed_ && !laid_out_.is_overdraft() ? held : 0;
  if (charged == unsent_.bytes()) return;
  unsent_.resize(shard_.response_budget(), charged);
  if (shard_.response_budget()->is_exceeded()) relief_.free_response_memory();
}

void Connection::encode_ready() {
  while (!pending_.empty() && pending_.front()->is_ready()) {
    const std::unique_ptr<PendingResponse> response = std::move(pending_.front());
    pending_.pop_front();
    if (is_closed_ || close_when_sent_) continue;
    if (response->encode(to_send_) == Outcome::close) close_when_sent_ = true;
  }
  last_activity_ = shard_.loop().now();
  progress_.notify();
}

void Connection::send() {
  if (is_closed_ || is_stalled()) return;
  const Result<void> done = client_.work ? send_timed() : to_send_.send(*stream_);
  if (done) {
    progress_.notify();
    if (close_when_sent_ && pending_.empty()) close();
    leave_if_done();
    return;
  }
  if (done.error() == Errc::corrupt) {
    log_error("closed the connection from {}:{}: a file is shorter than the slice that was promised", peer().host, peer().port);
    return close();
  }
  if (done.error() != Errc::would_block) return close();
  stalled_since_ = shard_.loop().now();
  taken_at_stall_ = taken_bytes();
  pace_since_ = stalled_since_;
  pace_taken_ = taken_at_stall_;
  time_to_be_read_ = SteadyTime{};
  watch_deadline();
  asio::co_spawn(shard_.loop().executor(), write_rest(), asio::detached);
}

asio::awaitable<void> Connection::write_rest() {
  const Gate::Pass pass = writers_.enter();
  while (!is_closed_) {
    co_await stream_->writable();
    if (is_closed_) break;
    const Result<void> done = client_.work ? send_timed() : to_send_.send(*stream_);
    progress_.notify();
    if (done) break;
    if (done.error() != Errc::would_block) close();
  }
  stalled_since_ = SteadyTime::max();
  last_activity_ = shard_.loop().now();
  let_go_of_laid_out();
  account_for_unsent();
  if (close_when_sent_ && pending_.empty()) close();
  leave_if_done();
}

void Connection::close() {
  if (is_closed_) return;
  is_closed_ = true;
  deadline_.cancel();
  stream_->close();
  to_send_.drop();
  unsent_.release();
  let_go_of_laid_out();
  progress_.notify();
  wake_request();
}

/// What a request is being laid out in stays with it.
void Connection::let_go_of_laid_out() {
  if (!is_serving_) laid_out_.release();
}

SteadyTime Connection::time_to_be_read() {
  constexpr double kForEver = 1e18;  // Thirty years of nanoseconds.
  if (!is_stalled() || is_closed_) return {};
  const SteadyTime now = shard_.loop().now();
  if (now - pace_since_ < kPaceTime) return time_to_be_read_;
  const std::uint64_t taken = taken_bytes();
  const double per_nanosecond =
      static_cast<double>(taken - std::min(taken, pace_taken_)) / static_cast<double>((now - pace_since_).count());
  const auto held = static_cast<double>(to_send_.held_bytes());
  const double needed = per_nanosecond > 0 ? std::min(held / per_nanosecond, kForEver) : kForEver;
  time_to_be_read_ = SteadyTime(static_cast<SteadyTime::rep>(needed));
  pace_since_ = now;
  pace_taken_ = taken;
  return time_to_be_read_;
}

/// Within the time in which somebody who takes less is no reader. Who has what all shards share makes way for the next.
std::uint64_t Connection::least_to_take() const {
  return laid_out_.is_overdraft() ? std::max(kLeastTakenBytes, to_send_.unsent_bytes() / 2) : kLeastTakenBytes;
}

void Connection::wake_request() {
  client_.is_leaving = true;
  if (client_.waits_on != nullptr) client_.waits_on->notify();
}

void Connection::hurry() {
  client_.is_hurried = true;
  if (client_.waits_on != nullptr) client_.waits_on->notify();
}

void Connection::let_go_of_request() {
  received_.release_if_empty();
  spare_memory();
}

void Connection::finish() {
  is_finishing_ = true;
  progress_.notify();
  wake_request();
  leave_if_done();
}

void Connection::leave_if_done() {
  if (is_finishing_ && is_receiving_ && pending_.empty() && to_send_.empty()) close();
}

void Connection::fail(Limit limit, std::string reason) {
  if (is_closed_) return;
  note_close_reason(std::move(reason), limit);
  close();
}

std::optional<SteadyTime> Connection::idle_since() const {
  const bool is_idle = !is_closed_ && !is_serving_ && pending_.empty() && to_send_.empty() && !is_muted();
  return is_idle ? std::optional(last_activity_) : std::nullopt;
}

/// The rest could not come while nobody read for lack of memory; but memory that does not come is no reason to stay for ever.
SteadyTime Connection::frame_deadline() const {
  const bool is_paused = without_memory_since_ != SteadyTime::max();
  const SteadyTime paused = frame_paused_ + (is_paused ? shard_.loop().now() - without_memory_since_ : SteadyTime::zero());
  return frame_since_ + limits_.whole_frame + std::min(paused, longest_pause());
}

SteadyTime Connection::longest_pause() const { return std::max(limits_.whole_frame, kLeastPause); }

void Connection::on_deadline() {
  const SteadyTime now = shard_.loop().now();
  if (is_stalled() && now - stalled_since_ >= limits_.write_stall) {
    const std::uint64_t taken = taken_bytes();
    if (taken < taken_at_stall_ + least_to_take()) return fail(Limit::response_write_timeout, "it did not read its responses");
    stalled_since_ = now;
    taken_at_stall_ = taken;
  }
  if (!is_muted() && frame_since_ != SteadyTime::max() && now >= frame_deadline()) {
    return fail(Limit::request_frame_timeout, "half a frame came and not the rest");
  }
  const std::optional<SteadyTime> idle = idle_since();
  if (idle && now - *idle >= limits_.idle) return fail(Limit::connections_max_idle, "it was idle");
  watch_deadline();
}

void Connection::watch_deadline() {
  // One timer for three deadlines: it looks at what is true when it fires, so activity never touches the wheel.
  SteadyTime next = last_activity_ + limits_.idle;
  const SteadyTime now = shard_.loop().now();
  if (next <= now) next = now + limits_.idle;
  if (is_stalled()) next = std::min(next, stalled_since_ + limits_.write_stall);
  if (frame_since_ != SteadyTime::max()) {
    const bool is_paused = without_memory_since_ != SteadyTime::max();
    const SteadyTime latest = is_paused ? frame_since_ + limits_.whole_frame + longest_pause() : frame_deadline();
    next = std::min(next, std::max(latest, muted_until_));
  }
  shard_.timers().arm(deadline_, next);
}

}  // namespace tidelog::broker
