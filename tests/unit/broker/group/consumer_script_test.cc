#include "tests/unit/broker/group/consumer_script.h"

#include "tests/unit/broker/script_player.h"

namespace tidelog::broker {
namespace {

class ConsumerScripts : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(ConsumerScripts, SayWhatComesOfThem) {
  const std::string played = expect_script<ConsumerScript>(GetParam());

  EXPECT_EQ(played.find("DIFFERS"), std::string::npos);
  EXPECT_EQ(played.find("NOT SOUND"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Consumer, ConsumerScripts, testing::ValuesIn(scripts_in("group-consumer")), script_name);

}  // namespace
}  // namespace tidelog::broker
