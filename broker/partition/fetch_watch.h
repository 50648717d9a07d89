#pragma once

#include <cstdint>

namespace tidelog::broker {

/// A fetch that waits for bytes, as one partition sees it: told when consumers may read more. Lives in its owner, in at most one
/// partition's list; leaves it when destroyed. Thread: the partition's shard.
class FetchWatch {
 public:
  FetchWatch() = default;
  FetchWatch(const FetchWatch&) = delete;
  FetchWatch& operator=(const FetchWatch&) = delete;
  virtual ~FetchWatch() { leave(); }

  /// About `bytes` more may be read than when the watch began, or something happened that the fetch must learn of at once (`bytes` < 0).
  /// May leave the list, itself only.
  virtual void on_more(std::int64_t bytes) = 0;

  void join(FetchWatch*& list) {
    leave();
    list_ = &list;
    next_ = list;
    if (next_ != nullptr) next_->previous_ = this;
    list = this;
  }

  void leave() {
    if (list_ == nullptr) return;
    if (previous_ != nullptr) previous_->next_ = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
    if (*list_ == this) *list_ = next_;
    list_ = nullptr;
    previous_ = nullptr;
    next_ = nullptr;
  }

  static void tell_all(FetchWatch* list, std::int64_t bytes) {
    while (list != nullptr) {
      FetchWatch* next = list->next_;
      list->on_more(bytes);
      list = next;
    }
  }

 private:
  FetchWatch** list_ = nullptr;
  FetchWatch* previous_ = nullptr;
  FetchWatch* next_ = nullptr;
};

}  // namespace tidelog::broker
