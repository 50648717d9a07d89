#pragma once

#include <tidelog/error.h>

#include <optional>
#include <utility>
#include <variant>

namespace tidelog {

/// A value, or the error that stands in its place. Needs no C++23, unlike `std::expected`.
template <class T>
class [[nodiscard]] result {
 public:
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}               // NOLINT(google-explicit-constructor)
  result(tidelog::error cause) : state_(std::in_place_index<1>, std::move(cause)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  /// Throws `tidelog::exception` if there is none.
  T& value() & {
    if (!has_value()) throw exception(std::get<1>(state_));
    return std::get<0>(state_);
  }
  const T& value() const& {
    if (!has_value()) throw exception(std::get<1>(state_));
    return std::get<0>(state_);
  }
  T&& value() && {
    if (!has_value()) throw exception(std::get<1>(std::move(state_)));
    return std::get<0>(std::move(state_));
  }

  /// Needs has_value().
  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }

  /// Needs !has_value().
  [[nodiscard]] const tidelog::error& error() const& { return *std::get_if<1>(&state_); }
  [[nodiscard]] tidelog::error&& error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, tidelog::error> state_;
};

template <>
class [[nodiscard]] result<void> {
 public:
  result() = default;
  result(tidelog::error cause) : error_(std::move(cause)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  void value() const {
    if (error_) throw exception(*error_);
  }
  [[nodiscard]] const tidelog::error& error() const& { return *error_; }
  [[nodiscard]] tidelog::error&& error() && { return *std::move(error_); }

 private:
  std::optional<tidelog::error> error_;
};

}  // namespace tidelog
