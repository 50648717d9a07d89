#include "broker/metadata/client_quotas.h"

#include "tests/unit/broker/metadata/world.h"

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

TEST(ClientQuotas, TellWhatTheirNamesComeTo) {
  ClientQuotas quotas;
  quotas.change({{std::string(kQuotaUser), "four"}, {std::string(kQuotaClientId), "seven77"}}, {{"request_percentage", 5.0}});
  quotas.change(entity(kQuotaClientId, std::nullopt), {{"request_percentage", 5.0}});
  quotas.change(entity(kQuotaClientId, "a"), {{"request_percentage", 5.0}});
  quotas.change(entity(kQuotaClientId, "a"), {{"producer_byte_rate", 5.0}});
  const std::size_t before = quotas.name_bytes();

  quotas.change(entity(kQuotaClientId, "a"), {{"request_percentage", std::nullopt}, {"producer_byte_rate", std::nullopt}});

  EXPECT_EQ(before, 12U);
  EXPECT_EQ(quotas.name_bytes(), 11U);
}

QuotaAlteration limit_client(std::string name, std::optional<double> rate = 1000) {
  return {.entity = {{std::string(kQuotaClientId), std::move(name)}}, .values = {{std::string(kProducerByteRate), rate}}, .problem = {}};
}

/// What one request for these clients comes to, applied.
std::vector<QuotaVerdict> alter(MetadataMachine& machine, std::vector<QuotaAlteration> entries) {
  const QuotasDecision decision = machine.alter_client_quotas({.entries = std::move(entries)});
  EXPECT_TRUE(machine.apply(std::span(decision.records)).has_value());
  return decision.verdicts;
}

std::vector<QuotaAlteration> limit_many(std::size_t count, const std::string& prefix) {
  std::vector<QuotaAlteration> entries;
  for (std::size_t i = 0; i < count; ++i) entries.push_back(limit_client(prefix + std::to_string(i)));
  return entries;
}

TEST(AlterClientQuotas, KeepsABoundedNumberOfEntities) {
  MetadataMachine machine;

  const std::vector<QuotaVerdict> verdicts = alter(machine, limit_many(10'001, "client "));

  EXPECT_EQ(verdicts[9'999].error, ErrorCode::none);
  EXPECT_EQ(verdicts[10'000].error, ErrorCode::policy_violation);
  EXPECT_EQ(machine.image()->client_quotas().all().size(), 10'000U);
}

TEST(AlterClientQuotas, ChangesAndTakesBackWhatIsThereWhenThereIsNoRoom) {
  MetadataMachine machine;
  alter(machine, limit_many(10'000, "client "));

  const std::vector<QuotaVerdict> full = alter(machine, {limit_client("client 5", 7), limit_client("new"), limit_client("client 6", {})});
  const std::vector<QuotaVerdict> after = alter(machine, {limit_client("new")});

  EXPECT_EQ(full[0].error, ErrorCode::none);
  EXPECT_EQ(full[1].error, ErrorCode::policy_violation);
  EXPECT_EQ(full[2].error, ErrorCode::none);
  EXPECT_EQ(after[0].error, ErrorCode::none);
}

TEST(AlterClientQuotas, KeepsNoNameThatIsLongerThanAnyClientNeeds) {
  MetadataMachine machine;

  const std::vector<QuotaVerdict> verdicts = alter(
      machine, {limit_client(std::string(1024, 'x')), limit_client(std::string(1025, 'y')), limit_client(std::string(1025, 'z'), {})});

  EXPECT_EQ(verdicts[0].error, ErrorCode::none);
  EXPECT_EQ(verdicts[1].error, ErrorCode::policy_violation);
  EXPECT_LT(verdicts[1].message.size(), 200U);
  EXPECT_EQ(verdicts[2].error, ErrorCode::none) << "nothing to take back is no reason to refuse";
}

TEST(AlterClientQuotas, KeepsSoManyBytesOfNames) {
  MetadataMachine machine;

  const std::vector<QuotaVerdict> verdicts = alter(machine, limit_many(5'000, std::string(1000, 'x')));

  EXPECT_EQ(verdicts.front().error, ErrorCode::none);
  EXPECT_EQ(verdicts.back().error, ErrorCode::policy_violation);
  EXPECT_LE(machine.image()->client_quotas().name_bytes(), 4U * 1024 * 1024);
}

TEST(AlterClientQuotas, RepeatsLittleOfWhatItRefuses) {
  MetadataMachine machine;
  QuotaAlteration asked = limit_client("a");
  asked.values.front().first = std::string(32'000, 'k');

  const std::vector<QuotaVerdict> verdicts = alter(machine, {asked});

  EXPECT_EQ(verdicts.front().error, ErrorCode::invalid_request);
  EXPECT_LE(verdicts.front().message.size(), 500U);
}

// An image that somebody holds keeps saying what it said.
TEST(AlterClientQuotas, LeavesAloneTheImageOfBefore) {
  MetadataMachine machine;
  alter(machine, {limit_client("a", 1)});
  const std::shared_ptr<const Image> before = machine.image();

  alter(machine, {limit_client("a", 2), limit_client("b", 2)});

  EXPECT_EQ(before->client_quotas().all().size(), 1U);
  EXPECT_EQ(before->client_quotas().find("", "a", kProducerByteRate)->limit, 1);
  EXPECT_EQ(machine.image()->client_quotas().find("", "a", kProducerByteRate)->limit, 2);
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
