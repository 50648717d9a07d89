#include "broker/group/history.h"

#include "broker/group/memory.h"

#include <algorithm>
#include <utility>

namespace tidelog::broker {
namespace {

constexpr std::string_view kCut = "...";

}  // namespace

std::string legible(std::string_view text, std::size_t most) {
  std::size_t length = std::min(text.size(), most);
  while (length > 0 && length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  std::string clean(text.substr(0, length));
  std::ranges::replace_if(clean, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return length < text.size() ? clean.append(kCut) : clean;
}

void GroupHistory::add(Event event) {
  event.what = legible(event.what, kMostBytes - kCut.size());
  if (!events_.empty() && events_.back().what == event.what && events_.back().generation == event.generation) {
    events_.back().at = event.at;
    ++events_.back().times;
    return;
  }
  if (events_.size() == kMostEvents) {
    text_bytes_ -= bytes_beside(events_.front().what);
    events_.erase(events_.begin());
  }
  text_bytes_ += bytes_beside(event.what);
  events_.push_back(std::move(event));
}

std::string sentence(const GroupHistory::Event& event) {
  return event.times == 1 ? event.what : event.what + " (" + std::to_string(event.times) + " times)";
}

}  // namespace tidelog::broker
