// What a coordinator reads when it starts: the view beside the log, and of the log only what came later; or all of the log.
#include "proto/record/batch_cursor.h"
#include "proto/record/crc32c.h"
#include "tests/unit/broker/hosted_groups_world.h"

#include <boost/asio/post.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

namespace tidelog::broker {
namespace {

constexpr std::int64_t kNoMore = 1 << 30;           ///< What is there is used, and no other is made.
constexpr std::string_view kRewritten = "rewrite";  ///< As long as `kGroup`, so that a record stays as long as it was.

class GroupsViewTest : public HostedGroupsTest {
 protected:
  [[nodiscard]] std::string folder() const { return env_.directory() + "/offsets-0"; }
  [[nodiscard]] bool has_view() const { return std::filesystem::exists(folder() + "/view/store"); }
  void keep_views_of(std::int64_t bytes) {
    options_->group_view_bytes = bytes;
    settings_.follow_options();
  }
  ErrorCode commit_durably(const std::string& group, std::int64_t offset) {
    const ErrorCode said =
        groups_->step([&](GroupMachine& machine, Step& step) { return machine.commit(commit_of(offset, group), step); }).partitions.at(0);
    finish_round();
    return said;
  }
  /// A view of all that is committed, and none later. A coordinator that starts looks how much there is that no view has.
  void make_view() {
    groups_->give_up();
    keep_views_of(1);
    groups_ = load();
    keep_views_of(kNoMore);
    ASSERT_TRUE(has_view());
  }
  static void seal(MutableBytes batch) {
    store_be(&batch[proto::batch_field::kCrc], proto::crc32c(Bytes{batch}.subspan(proto::batch_field::kAttributes)));
  }
  /// A batch without records, as compaction leaves one where a tombstone was.
  void append_filler() {
    proto::BatchBuilder builder;
    const MutableBytes batch = builder.build_mutable({});
    store_be(&batch[proto::batch_field::kLastOffsetDelta], std::int32_t{0});
    seal(batch);
    ASSERT_TRUE(partition().append_own(batch));
    finish_round();
  }
  /// The same log with that group's name for `kGroup` in its first batch: whoever reads the front sees one, the view has the other.
  void rewrite_front(std::size_t batches) {
    std::vector<char> file;
    const std::string path = folder() + "/00000000000000000000.log";
    {
      std::ifstream in(path, std::ios::binary);
      file.assign(std::istreambuf_iterator<char>(in), {});
    }
    proto::BatchCursor cursor(std::as_bytes(std::span(file)));
    std::size_t at = 0;
    for (std::size_t i = 0; i < batches; ++i) {
      const auto batch = cursor.next();
      ASSERT_TRUE(batch && *batch);
      const std::span<char> bytes(file.data() + at, (*batch)->size_bytes());
      at += bytes.size();
      const auto found = std::ranges::search(bytes, kGroup);
      if (!found.empty()) std::ranges::copy(kRewritten, found.begin());
      seal(std::as_writable_bytes(bytes));
    }
    std::ofstream(path, std::ios::binary | std::ios::in).write(file.data(), static_cast<std::streamsize>(file.size()));
  }
  [[nodiscard]] static bool knows(const HostedGroups& groups, std::string_view group) { return groups.machine().offsets(group) != nullptr; }
};

TEST_F(GroupsViewTest, TakesThePlaceOfTheLogBeforeIt) {
  EXPECT_EQ(commit_durably(kGroup, 41), ErrorCode::none);
  EXPECT_EQ(commit_durably("other", 7), ErrorCode::none);
  make_view();
  EXPECT_EQ(commit_durably("later", 9), ErrorCode::none);
  rewrite_front(1);

  const auto again = load();

  ASSERT_EQ(again->state(), HostedGroups::State::active);
  EXPECT_TRUE(knows(*again, kGroup)) << "the front of the log was read";
  EXPECT_EQ(committed_offset(*again), 41);
  EXPECT_FALSE(knows(*again, kRewritten));
  EXPECT_TRUE(knows(*again, "other"));
  EXPECT_TRUE(knows(*again, "later"));
  again->give_up();
}

TEST_F(GroupsViewTest, FollowsTheLogAsItGrows) {
  keep_views_of(1);
  EXPECT_EQ(commit_durably(kGroup, 41), ErrorCode::none);
  EXPECT_EQ(commit_durably("other", 7), ErrorCode::none);
  const ErrorCode deleted = groups_->step([](GroupMachine& machine, Step& step) { return machine.delete_group(kGroup, step); });
  EXPECT_EQ(deleted, ErrorCode::none);
  finish_round();
  EXPECT_EQ(commit_durably("other", 8), ErrorCode::none);  // What is appended asks for the view; it takes what is committed then.
  keep_views_of(kNoMore);
  rewrite_front(1);

  const auto again = load();

  EXPECT_FALSE(knows(*again, kGroup)) << "it is deleted";
  EXPECT_FALSE(knows(*again, kRewritten)) << "the front of the log was read";
  ASSERT_TRUE(knows(*again, "other"));
  again->give_up();
}

// Where a record is gone, the end of something may be gone that the view still has.
TEST_F(GroupsViewTest, IsThrownAwayWhereCompactionWasBehindIt) {
  EXPECT_EQ(commit_durably(kGroup, 41), ErrorCode::none);
  EXPECT_EQ(commit_durably("other", 7), ErrorCode::none);
  make_view();
  append_filler();
  EXPECT_EQ(commit_durably("later", 9), ErrorCode::none);
  rewrite_front(1);

  const auto again = load();

  ASSERT_EQ(again->state(), HostedGroups::State::active);
  EXPECT_FALSE(knows(*again, kGroup));
  EXPECT_TRUE(knows(*again, kRewritten));
  EXPECT_TRUE(knows(*again, "other"));
  EXPECT_TRUE(knows(*again, "later"));
  EXPECT_FALSE(has_view());
  again->give_up();
}

TEST_F(GroupsViewTest, IsMadeAnewWhereCompactionWasBehindIt) {
  EXPECT_EQ(commit_durably(kGroup, 41), ErrorCode::none);
  EXPECT_EQ(commit_durably("other", 7), ErrorCode::none);
  make_view();
  rewrite_front(1);
  append_filler();
  keep_views_of(1);
  EXPECT_EQ(commit_durably("later", 9), ErrorCode::none);
  EXPECT_EQ(commit_durably("later", 10), ErrorCode::none);
  keep_views_of(kNoMore);

  const auto again = load();

  EXPECT_TRUE(has_view());
  EXPECT_FALSE(knows(*again, kGroup)) << "it comes from the old view";
  EXPECT_TRUE(knows(*again, kRewritten));
  EXPECT_TRUE(knows(*again, "later"));
  again->give_up();
}

TEST_F(GroupsViewTest, IsOfNoUseToALogWithAnotherPast) {
  EXPECT_EQ(commit_durably(kGroup, 41), ErrorCode::none);
  make_view();
  rewrite_front(1);  // The batch of its mark.

  const auto again = load();

  EXPECT_FALSE(knows(*again, kGroup));
  EXPECT_TRUE(knows(*again, kRewritten));
  again->give_up();
}

TEST_F(GroupsViewTest, IsNoMoreThanAnEmptyOneIfItIsDamaged) {
  EXPECT_EQ(commit_durably(kGroup, 41), ErrorCode::none);
  make_view();
  for (const auto& file : std::filesystem::directory_iterator(folder() + "/view/store")) std::filesystem::resize_file(file.path(), 3);

  const auto again = load();

  ASSERT_EQ(again->state(), HostedGroups::State::active);
  EXPECT_EQ(committed_offset(*again), 41);
  again->give_up();
}

// Whose commit began it has an answer, and may be gone, long before it ends.
TEST_F(GroupsViewTest, IsNotTheWorkOfWhoCommits) {
  keep_views_of(1);
  WorkTime payer;
  asio::post(env_.loop().executor(), [&] {  // As a request is served.
    const WorkTime::Piece piece(&payer, env_.loop());
    EXPECT_EQ(commit(41), ErrorCode::none);
    EXPECT_EQ(WorkTime::running(), &payer);
  });
  env_.loop().run_ready();
  finish_round();
  EXPECT_EQ(WorkTime::running(), nullptr);
}

TEST_F(GroupsViewTest, IsNotReadIfThereShallBeNone) {
  EXPECT_EQ(commit_durably(kGroup, 41), ErrorCode::none);
  EXPECT_EQ(commit_durably("other", 7), ErrorCode::none);
  make_view();
  rewrite_front(1);
  keep_views_of(0);

  const auto again = load();

  EXPECT_TRUE(knows(*again, kRewritten));
  again->give_up();
}

TEST_F(GroupsViewTest, IsNotMadeOfALogThatIsShort) {
  options_->group_view_bytes = 1 << 20;
  EXPECT_EQ(commit_durably(kGroup, 41), ErrorCode::none);
  const auto again = load();
  EXPECT_FALSE(has_view());
  again->give_up();
}

}  // namespace
}  // namespace tidelog::broker
