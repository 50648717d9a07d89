// How a partition lends its log to compaction.
#include "broker/partition/partition.h"
#include "proto/base/check.h"

namespace tidelog::broker {

bool Partition::may_be_cleaned(SteadyTime now) const {
  const bool is_wanted = log_->config().compaction.is_on || log_->pending_swap().has_value();
  return is_wanted && cleaning_ == nullptr && retired_ == ErrorCode::none && !log_->is_offline() && now >= cleaned_again_at_;
}

std::shared_ptr<CleaningWork> Partition::begin_cleaning() {
  DCHECK(cleaning_ == nullptr);
  cleaning_ = std::make_shared<CleaningWork>(shard_.loop().executor());
  cleaning_->partition = this;
  log_->set_lent(true);
  return cleaning_;
}

void Partition::end_cleaning() {
  log_->set_lent(false);
  cleaning_.reset();
}

void Partition::interrupt_cleaning() {
  if (cleaning_ != nullptr) cleaning_->must_stop = true;
}

asio::awaitable<void> Partition::stop_cleaning() {
  interrupt_cleaning();
  const std::shared_ptr<CleaningWork> work = cleaning_;
  if (work != nullptr) co_await work->ended.wait();
}

}  // namespace tidelog::broker
