#include "cli/logs/segment_dump.h"

#include "cli/wire/text_out.h"
#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

#include <string>

namespace tidelog::testing {
namespace {

TEST(SegmentDump, ShowsRecordsOfABatchThatOpensToMoreThan16MiB) {
  MemoryFiles disk;
  ASSERT_TRUE(disk.make_directory("disk"));
  disk.set_contents("disk/segment", make_batch({0}, {.value_bytes = 17U << 20, .codec = proto::Codec::zstd}));
  const auto file = disk.open("disk/segment", storage::OpenMode::read);
  ASSERT_TRUE(file);
  std::string text;
  cli::TextOut out([&](std::string_view more) {
    text += more;
    return true;
  });

  const Result<bool> whole = cli::dump_segment(**file, {.is_json = true, .shows_records = true}, out);

  out.flush();
  ASSERT_TRUE(whole);
  EXPECT_TRUE(*whole);
  EXPECT_GT(text.size(), 17U << 20);
}

}  // namespace
}  // namespace tidelog::testing
