#include "tests/unit/broker/group/migration_script.h"

#include "tests/unit/broker/script_player.h"

namespace tidelog::broker {
namespace {

class MigrationScripts : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(MigrationScripts, SayWhatComesOfThem) {
  const std::string played = expect_script<MigrationScript>(GetParam());

  EXPECT_EQ(played.find("DIFFERS"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Migration, MigrationScripts, testing::ValuesIn(scripts_in("group-migration")), script_name);

}  // namespace
}  // namespace tidelog::broker
