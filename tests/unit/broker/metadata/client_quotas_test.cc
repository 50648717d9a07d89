#include "broker/metadata/client_quotas.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

QuotaEntity entity(std::string_view kind, std::optional<std::string> name) { return {{std::string(kind), std::move(name)}}; }

TEST(ClientQuotas, KnowWhetherAnybodyHasALimit) {
  ClientQuotas quotas;
  quotas.change(entity(kQuotaClientId, "a"), {{"request_percentage", 5.0}, {"producer_byte_rate", 1.0}});
  quotas.change(entity(kQuotaClientId, "b"), {{"request_percentage", 6.0}});
  quotas.change(entity(kQuotaClientId, "b"), {{"request_percentage", 7.0}});
  quotas.change(entity(kQuotaClientId, "a"), {{"request_percentage", std::nullopt}});
  const bool by_one = quotas.counts_request_time();

  quotas.change(entity(kQuotaClientId, "b"), {{"request_percentage", std::nullopt}});

  EXPECT_TRUE(by_one);
  EXPECT_FALSE(quotas.counts_request_time());
  EXPECT_FALSE(quotas.limits(kRequestPercentage));
  EXPECT_TRUE(quotas.limits(kProducerByteRate));
}

TEST(ClientQuotas, TakingBackWhatIsNotThereChangesNothing) {
  ClientQuotas quotas;

  quotas.change(entity(kQuotaClientId, "a"), {{"request_percentage", std::nullopt}});

  EXPECT_EQ(quotas, ClientQuotas());
}

TEST(ClientQuotas, AnAddressHasItsOwnRateOrThatOfAll) {
  ClientQuotas quotas;
  quotas.change(entity(kQuotaIp, "10.0.0.7"), {{"connection_creation_rate", 5.0}});
  const std::optional<double> of_others = quotas.connection_rate("10.0.0.8");

  quotas.change(entity(kQuotaIp, std::nullopt), {{"connection_creation_rate", 50.0}});

  EXPECT_EQ(of_others, std::nullopt);
  EXPECT_EQ(quotas.connection_rate("10.0.0.7"), 5.0);
  EXPECT_EQ(quotas.connection_rate("10.0.0.8"), 50.0);
}

}  // namespace
}  // namespace tidelog::broker
