#include "tests/unit/broker/group/consumer_script.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

// Runs tests/scripts/group-consumer/*.txt. A script is blocks of commands, a line "----", and all that must come of them; a blank line ends
// a block. A line "==== TEXT" begins with a group that nobody has heard of. With TIDELOG_WRITE_SCRIPTS set, what came of them is written
// into the scripts instead: look at the difference before you believe it.

namespace tidelog::broker {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> scripts() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(fs::path(TIDELOG_TEST_DATA) / "../scripts/group-consumer")) {
    if (entry.path().extension() == ".txt") found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// The script with what really comes of its commands in place of what it says.
std::string play(const std::string& script) {
  auto group = std::make_unique<ConsumerScript>();
  std::istringstream in(script);
  std::string out;
  std::vector<std::string> said;
  bool is_expected = false;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) is_expected = false;
    if (is_expected) continue;
    out += line + "\n";
    if (line == "----") {
      for (const std::string& one : said) out += one + "\n";
      said.clear();
      is_expected = true;
    } else if (line.starts_with("====")) {
      group = std::make_unique<ConsumerScript>();
    } else if (!line.empty() && !line.starts_with('#')) {
      for (std::string& one : group->run(line)) said.push_back(std::move(one));
    }
  }
  return out;
}

class ConsumerScripts : public testing::TestWithParam<fs::path> {};

TEST_P(ConsumerScripts, SayWhatComesOfThem) {
  const std::string script = read(GetParam());

  const std::string played = play(script);

  if (std::getenv("TIDELOG_WRITE_SCRIPTS") != nullptr) std::ofstream(GetParam()) << played;
  EXPECT_EQ(played, script) << GetParam();
  EXPECT_EQ(played.find("DIFFERS"), std::string::npos);
  EXPECT_EQ(played.find("NOT SOUND"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Consumer, ConsumerScripts, testing::ValuesIn(scripts()), [](const auto& script) {
  std::string name = script.param.stem().string();
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace tidelog::broker
