#include "tests/unit/broker/group/classic_script.h"

#include "tests/unit/broker/script_player.h"

namespace tidelog::broker {
namespace {

class ClassicGroupScripts : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(ClassicGroupScripts, SayWhatComesOfThem) { expect_script<ClassicScript>(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Classic, ClassicGroupScripts, testing::ValuesIn(scripts_in("group-classic")), script_name);

}  // namespace
}  // namespace tidelog::broker
