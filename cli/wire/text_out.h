#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace tidelog::cli {

/// Text on its way out: gathered, and handed on in pieces of bounded size, however large the frame is that is being printed.
class TextOut {
 public:
  /// Returns false once nobody reads any more.
  using Write = std::function<bool(std::string_view)>;
  explicit TextOut(Write write) : write_(std::move(write)) {}

  TextOut& put(std::string_view text) {
    text_ += text;
    return settle();
  }
  /// For what appends to a string; call `settle` behind it.
  std::string& tail() { return text_; }
  TextOut& settle() {
    if (text_.size() >= kPieceBytes) flush();
    return *this;
  }
  void flush() {
    if (is_open_ && !text_.empty()) is_open_ = write_(text_);
    text_.clear();
  }
  [[nodiscard]] bool is_open() const { return is_open_; }

 private:
  static constexpr std::size_t kPieceBytes = 64 * 1024;
  Write write_;
  std::string text_;
  bool is_open_ = true;
};

}  // namespace tidelog::cli
