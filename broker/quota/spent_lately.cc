#include "broker/quota/spent_lately.h"

#include <cmath>

namespace tidelog::broker {

SpentLately::Time SpentLately::Entry::at(Time now) const {
  const double half_lives = std::chrono::duration<double>(now - then) / std::chrono::duration<double>(kHalfLife);
  return Time(static_cast<Time::rep>(static_cast<double>(amount.count()) * std::exp2(-half_lives)));
}

}  // namespace tidelog::broker
