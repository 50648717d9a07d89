#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace tidelog::cli {

/// Lines of a file descriptor, as they are: a line feed ends one, nothing else does, and a last one without it counts too.
/// Life: a line lasts until the next call.
class LineReader {
 public:
  enum class Outcome : std::uint8_t { line, end, too_long, failed, interrupted };

  LineReader(int fd, std::size_t max_line_bytes);

  /// `too_long`: a line above the limit; it is passed over, and the next call goes on behind it. `failed`: see errno.
  Outcome next(std::string_view& line);
  /// Whether the next line is here already, so that asking for it cannot wait.
  [[nodiscard]] bool has_more() const;
  /// Of the line that `next` spoke of last, from 1.
  [[nodiscard]] std::uint64_t line_number() const { return line_number_; }

 private:
  Outcome fill();
  bool make_room();

  int fd_;
  std::size_t max_line_bytes_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_;
  std::size_t begin_ = 0;    ///< Of what is not handed out.
  std::size_t scanned_ = 0;  ///< No line feed before it.
  std::size_t end_ = 0;
  std::uint64_t line_number_ = 0;
  bool is_at_end_ = false;
  bool is_skipping_ = false;  ///< In the rest of a line that is too long.
};

}  // namespace tidelog::cli
