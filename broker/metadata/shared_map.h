#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// A sorted map that is cheap to copy and whose copies do not see each other's changes: a copy shares every chunk of entries, a change
/// copies one chunk. So each commit can hand all shards a new image among whose 10,000 topics only one is new. Invariant: no chunk is empty
/// or larger than kMaxChunk; keys ascend within and across chunks.
template <class Key, class Value>
class SharedMap {
 public:
  using Entry = std::pair<Key, Value>;

  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using pointer = const Entry*;
    using reference = const Entry&;
    Iterator() = default;
    const Entry& operator*() const { return (*map_->chunks_[chunk_])[entry_]; }
    const Entry* operator->() const { return &**this; }
    Iterator& operator++() {
      if (++entry_ == map_->chunks_[chunk_]->size()) ++chunk_, entry_ = 0;
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator&) const = default;

   private:
    friend class SharedMap;
    Iterator(const SharedMap* map, std::size_t chunk) : map_(map), chunk_(chunk) {}
    const SharedMap* map_ = nullptr;
    std::size_t chunk_ = 0;
    std::size_t entry_ = 0;
  };

  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, chunks_.size()}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  /// Null if there is none. Takes whatever compares with a key, so that a view needs no copy.
  template <class Probe>
  [[nodiscard]] const Value* find(const Probe& key) const {
    if (chunks_.empty()) return nullptr;
    const Chunk& chunk = *chunks_[chunk_for(key)];
    const auto at = place_of(chunk, key);
    return at != chunk.end() && at->first == key ? &at->second : nullptr;
  }

  /// The first entry whose key is not below this one.
  template <class Probe>
  [[nodiscard]] Iterator lower_bound(const Probe& key) const {
    if (chunks_.empty()) return end();
    Iterator at{this, chunk_for(key)};
    const Chunk& chunk = *chunks_[at.chunk_];
    at.entry_ = static_cast<std::size_t>(place_of(chunk, key) - chunk.begin());
    return at.entry_ == chunk.size() ? Iterator{this, at.chunk_ + 1} : at;
  }

  void insert_or_assign(Key key, Value value) {
    if (chunks_.empty()) chunks_.push_back(std::make_shared<const Chunk>());
    const std::size_t which = chunk_for(key);
    auto chunk = std::make_shared<Chunk>(*chunks_[which]);
    const auto at = place_of(*chunk, key);
    if (at != chunk->end() && at->first == key) {
      at->second = std::move(value);
    } else {
      chunk->emplace(at, std::move(key), std::move(value));
      ++size_;
    }
    replace(which, std::move(chunk));
  }

  template <class Probe>
  void erase(const Probe& key) {
    if (find(key) == nullptr) return;
    const std::size_t which = chunk_for(key);
    auto chunk = std::make_shared<Chunk>(*chunks_[which]);
    chunk->erase(place_of(*chunk, key));
    --size_;
    const bool has_next = which + 1 < chunks_.size();
    if (has_next && chunk->size() + chunks_[which + 1]->size() <= kMaxChunk / 2) {
      chunk->insert(chunk->end(), chunks_[which + 1]->begin(), chunks_[which + 1]->end());
      chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(which) + 1);
    }
    replace(which, std::move(chunk));
  }

 private:
  using Chunk = std::vector<Entry>;
  static constexpr std::size_t kMaxChunk = 128;

  /// The last chunk that starts at or before the key, or the first. Needs a chunk.
  template <class Probe>
  std::size_t chunk_for(const Probe& key) const {
    const auto starts_after = [](const Probe& probe, const std::shared_ptr<const Chunk>& chunk) { return probe < chunk->front().first; };
    if (chunks_.front()->empty()) return 0;
    const auto after = std::upper_bound(chunks_.begin(), chunks_.end(), key, starts_after);
    return after == chunks_.begin() ? 0 : static_cast<std::size_t>(after - chunks_.begin()) - 1;
  }

  template <class SomeChunk, class Probe>
  static auto place_of(SomeChunk& chunk, const Probe& key) {
    return std::lower_bound(chunk.begin(), chunk.end(), key, [](const Entry& entry, const Probe& probe) { return entry.first < probe; });
  }

  void replace(std::size_t which, std::shared_ptr<Chunk> chunk) {
    const auto at = chunks_.begin() + static_cast<std::ptrdiff_t>(which);
    if (chunk->empty()) {
      chunks_.erase(at);
    } else if (chunk->size() > kMaxChunk) {
      const auto middle = chunk->begin() + static_cast<std::ptrdiff_t>(chunk->size() / 2);
      chunks_.insert(at + 1, std::make_shared<const Chunk>(middle, chunk->end()));
      chunk->erase(middle, chunk->end());
      chunks_[which] = std::move(chunk);
    } else {
      *at = std::move(chunk);
    }
  }

  std::vector<std::shared_ptr<const Chunk>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace tidelog::broker
