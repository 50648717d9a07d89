#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace tidelog {

/// What kind of thing went wrong. `error::kafka_code` tells more when the broker said so.
enum class errc {
  transport = 1,     ///< No broker could be reached, or the connection broke.
  timed_out,         ///< The deadline of the operation passed.
  authentication,    ///< The broker did not accept who we are.
  authorization,     ///< It did, but does not let us do this.
  not_found,         ///< No such topic or partition.
  invalid_argument,  ///< The call cannot be carried out as it stands.
  invalid_config,    ///< A configuration key or value.
  too_large,         ///< A record or an answer above its limit.
  queue_full,        ///< The send buffer has no room and may not wait.
  bad_answer,        ///< The broker's bytes are not what the protocol says.
  unsupported,       ///< The broker does not speak a version this needs.
  server,            ///< Any other error code of the broker.
  closed,            ///< The client or producer was closed.
};

std::error_code make_error_code(errc kind);

/// Why an operation failed, with everything known about where. A value: copy it, keep it.
class error {
 public:
  error(errc kind, std::string message) : kind_(kind), message_(std::move(message)) {}
  /// The error a broker answered with; `context` says what failed, as "cannot create topic \"logs\"".
  static error from_kafka(int kafka_code, std::string_view context, std::string_view server_text = {});

  [[nodiscard]] errc kind() const { return kind_; }
  [[nodiscard]] std::error_code code() const { return make_error_code(kind_); }
  /// The protocol's number, or 0 if the broker did not name one.
  [[nodiscard]] int kafka_code() const { return kafka_code_; }
  /// The protocol's name for it (`NOT_LEADER_OR_FOLLOWER`), or ours (`TRANSPORT`).
  [[nodiscard]] std::string_view code_name() const;
  /// Doing the same again may succeed.
  [[nodiscard]] bool retriable() const { return is_retriable_; }
  /// The object that reported it is of no further use.
  [[nodiscard]] bool fatal() const { return is_fatal_; }
  /// One sentence without a full stop: what failed, and why.
  [[nodiscard]] const std::string& message() const { return message_; }
  /// What to do about it; may be empty.
  [[nodiscard]] const std::string& hint() const { return hint_; }
  /// Text the broker sent along. It is not ours: do not trust it with anything.
  [[nodiscard]] const std::string& server_text() const { return server_text_; }
  [[nodiscard]] const std::string& broker() const { return broker_; }
  [[nodiscard]] const std::string& topic() const { return topic_; }
  /// -1 if it is not about one partition.
  [[nodiscard]] int partition() const { return partition_; }

  error& set_message(std::string text) { return message_ = std::move(text), *this; }
  error& set_hint(std::string text) { return hint_ = std::move(text), *this; }
  error& set_broker(std::string_view name) { return broker_ = name, *this; }
  error& set_topic(std::string_view name, int partition = -1) { return topic_ = name, partition_ = partition, *this; }
  error& set_retriable(bool value) { return is_retriable_ = value, *this; }
  error& set_fatal(bool value) { return is_fatal_ = value, *this; }

 private:
  errc kind_;
  int kafka_code_ = 0;
  int partition_ = -1;
  bool is_retriable_ = false;
  bool is_fatal_ = false;
  std::string message_;
  std::string hint_;
  std::string server_text_;
  std::string broker_;
  std::string topic_;
};

/// What `result::value()` throws; nothing else in this library throws.
class exception : public std::runtime_error {
 public:
  explicit exception(error cause) : std::runtime_error(cause.message()), cause_(std::move(cause)) {}
  [[nodiscard]] const error& cause() const { return cause_; }

 private:
  error cause_;
};

}  // namespace tidelog

template <>
struct std::is_error_code_enum<tidelog::errc> : std::true_type {};
