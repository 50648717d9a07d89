#include "cli/line_reader.h"

#include "cli/interrupt.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tidelog::cli {
namespace {

constexpr std::size_t kFirstCapacity = 1 << 20;

}  // namespace

LineReader::LineReader(int fd, std::size_t max_line_bytes)
    : fd_(fd),
      max_line_bytes_(max_line_bytes),
      buffer_(std::make_unique_for_overwrite<char[]>(kFirstCapacity)),
      capacity_(kFirstCapacity) {}

bool LineReader::has_more() const { return begin_ < end_ && std::memchr(buffer_.get() + begin_, '\n', end_ - begin_) != nullptr; }

bool LineReader::make_room() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    scanned_ -= begin_;
    begin_ = 0;
  }
  if (end_ < capacity_) return true;
  if (end_ > max_line_bytes_) return false;
  const std::size_t larger = std::min(capacity_ * 2, max_line_bytes_ + kFirstCapacity);
  auto grown = std::make_unique_for_overwrite<char[]>(larger);
  std::memcpy(grown.get(), buffer_.get(), end_);
  buffer_ = std::move(grown);
  capacity_ = larger;
  return true;
}

LineReader::Outcome LineReader::fill() {
  while (true) {
    if (was_interrupted()) return Outcome::interrupted;
    const ssize_t count = ::read(fd_, buffer_.get() + end_, capacity_ - end_);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Outcome::failed;
    is_at_end_ = count == 0;
    end_ += static_cast<std::size_t>(count);
    return Outcome::line;
  }
}

LineReader::Outcome LineReader::next(std::string_view& line) {
  while (true) {
    const char* const found =
        scanned_ < end_ ? static_cast<const char*>(std::memchr(buffer_.get() + scanned_, '\n', end_ - scanned_)) : nullptr;
    const bool is_last = found == nullptr && is_at_end_;
    if (found != nullptr || is_last) {
      const std::size_t stop = found != nullptr ? static_cast<std::size_t>(found - buffer_.get()) : end_;
      if (is_last && begin_ == end_ && !is_skipping_) return Outcome::end;
      line = {buffer_.get() + begin_, stop - begin_};
      begin_ = scanned_ = found != nullptr ? stop + 1 : end_;
      ++line_number_;
      const bool is_too_long = std::exchange(is_skipping_, false) || line.size() > max_line_bytes_;
      return is_too_long ? Outcome::too_long : Outcome::line;
    }
    scanned_ = end_;
    if (!make_room()) {
      is_skipping_ = true;  // Its beginning is of no use any more.
      begin_ = scanned_ = end_ = 0;
    }
    if (const Outcome filled = fill(); filled != Outcome::line) return filled;
  }
}

}  // namespace tidelog::cli
