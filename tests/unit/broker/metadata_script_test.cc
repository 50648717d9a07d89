#include "tests/unit/broker/metadata/metadata_script.h"

#include "tests/unit/broker/script_player.h"

namespace tidelog::broker {
namespace {

class MetadataScripts : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(MetadataScripts, SayWhatComesOfThem) { expect_script<MetadataScript>(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Metadata, MetadataScripts, testing::ValuesIn(scripts_in("metadata")), script_name);

}  // namespace
}  // namespace tidelog::broker
