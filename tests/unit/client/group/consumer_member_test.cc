#include "client/group/consumer_member.h"

#include <gtest/gtest.h>

namespace tidelog::core {
namespace {

using namespace std::chrono_literals;

Uuid id_of(int number) {
  Uuid id;
  id.bytes.back() = static_cast<std::byte>(number);
  return id;
}

using Places = std::vector<std::pair<Uuid, std::int32_t>>;

Change gains(PartitionSet partitions) { return {.revoked = {}, .lost = {}, .assigned = std::move(partitions)}; }
Change loses(PartitionSet partitions) { return {.revoked = {}, .lost = std::move(partitions), .assigned = {}}; }

/// A member at a moment that moves only when it is told to, of a topic "t" with the id 1.
class ConsumerMemberTest : public testing::Test {
 protected:
  static MemberSettings settings() {
    MemberSettings made;
    made.group = "g";
    made.topics = {"t"};
    made.max_poll_interval = 300s;
    return made;
  }

  ConsumerCall asked() {
    const std::optional<Call> call = member.next(now);
    const auto* expected = call ? std::get_if<ConsumerCall>(&*call) : nullptr;
    EXPECT_NE(expected, nullptr) << "no call";
    return expected == nullptr ? ConsumerCall{} : *expected;
  }
  void expect_silence() { EXPECT_FALSE(member.next(now).has_value()); }

  void answer(std::int32_t epoch, std::optional<Places> assigned = std::nullopt) {
    member.on_answer(ConsumerAnswer{.code = ErrorCode::none,
                                    .text = {},
                                    .member_id = "me",
                                    .epoch = epoch,
                                    .heartbeat_interval = 5s,
                                    .assigned = std::move(assigned)},
                     now);
  }
  void refuse(ErrorCode code) {
    ConsumerAnswer made;
    made.code = code;
    member.on_answer(made, now);
  }
  void join(Places assigned) {
    member.on_poll(now);
    member.on_topics({{"t", {.id = id_of(1), .partitions = 4}}});
    asked();
    answer(1, std::move(assigned));
  }

  ConsumerMember member{settings(), "me"};
  Moment now{100h};
};

TEST_F(ConsumerMemberTest, JoinsWithAllThereIsToSay) {
  expect_silence();
  member.on_poll(now);

  const ConsumerCall call = asked();

  EXPECT_EQ(call.epoch, 0);
  EXPECT_EQ(call.member_id, "me");
  EXPECT_TRUE(call.is_whole);
  EXPECT_EQ(call.owned, Places{});
  EXPECT_EQ(member.generation(), -1);
}

TEST_F(ConsumerMemberTest, ReportsWhatTheReaderHasTaken) {
  join({{id_of(1), 0}, {id_of(1), 2}});
  expect_silence();  // Not before it has.
  EXPECT_EQ(member.change(), gains({{"t", 0}, {"t", 2}}));

  member.on_change_done(*member.change());

  EXPECT_TRUE(member.is_settled());
  const ConsumerCall report = asked();
  EXPECT_EQ(report.epoch, 1);
  EXPECT_FALSE(report.is_whole);
  EXPECT_EQ(report.owned, (Places{{id_of(1), 0}, {id_of(1), 2}}));
}

TEST_F(ConsumerMemberTest, SaysOnlyThatItIsThereWhileNothingChanges) {
  join({});
  member.on_change_done(*member.change());
  asked();
  answer(1);
  expect_silence();
  EXPECT_EQ(member.wake(), now + 5s);
  now += 5s;

  const ConsumerCall call = asked();

  EXPECT_FALSE(call.is_whole);
  EXPECT_EQ(call.owned, std::nullopt);
}

TEST_F(ConsumerMemberTest, GivesUpWhatTheTargetHasNoMoreAndThenSaysSo) {
  join({{id_of(1), 0}, {id_of(1), 1}});
  member.on_change_done(*member.change());
  asked();
  answer(2, Places{{id_of(1), 0}});

  const Change change = *member.change();
  EXPECT_EQ(change.revoked, (PartitionSet{{"t", 1}}));
  EXPECT_EQ(change.assigned, PartitionSet{});
  EXPECT_FALSE(member.is_settled());
  expect_silence();
  member.on_change_done(change);

  const ConsumerCall report = asked();
  EXPECT_EQ(report.owned, (Places{{id_of(1), 0}}));
  EXPECT_EQ(report.epoch, 2);
}

TEST_F(ConsumerMemberTest, ATargetThatComesWhileTheReaderIsBusyIsFollowedNext) {
  join({{id_of(1), 0}});
  const Change first = *member.change();
  now += 5s;
  asked();
  answer(2, Places{{id_of(1), 1}});

  member.on_change_done(first);

  Change next = *member.change();
  EXPECT_EQ(next.revoked, (PartitionSet{{"t", 0}}));
  EXPECT_EQ(next.assigned, (PartitionSet{{"t", 1}}));
  member.on_change_done(next);
  EXPECT_EQ(asked().owned, (Places{{id_of(1), 1}}));
}

TEST_F(ConsumerMemberTest, WaitsForTheNamesOfTopics) {
  join({{id_of(7), 0}});
  EXPECT_EQ(member.change(), std::nullopt);
  EXPECT_EQ(member.topics_wanted(), std::vector<std::string>{"t"});

  member.on_topics({{"t", {.id = id_of(7), .partitions = 1}}});

  EXPECT_EQ(member.change(), gains({{"t", 0}}));
  EXPECT_TRUE(member.topics_wanted().empty());
}

TEST_F(ConsumerMemberTest, WithAPatternItHasToKnowAllTopicsToFindAName) {
  MemberSettings made = settings();
  made.topics.clear();
  made.filter = *TopicFilter::compile("t.*");
  member = ConsumerMember(made, "me");
  EXPECT_FALSE(member.wants_all_topics());
  join({{id_of(7), 0}});
  EXPECT_TRUE(member.wants_all_topics());

  member.on_topics({{"t7", {.id = id_of(7), .partitions = 1}}});

  EXPECT_FALSE(member.wants_all_topics());
  EXPECT_EQ(member.change(), gains({{"t7", 0}}));
}

TEST_F(ConsumerMemberTest, AnotherTopicOfTheSameNameIsNotTheSame) {
  join({{id_of(1), 0}});
  member.on_change_done(*member.change());
  asked();
  member.on_topics({{"t", {.id = id_of(2), .partitions = 1}}});
  answer(2, Places{{id_of(2), 0}});

  const Change change = *member.change();

  EXPECT_EQ(change.revoked, (PartitionSet{{"t", 0}}));
  EXPECT_EQ(change.assigned, (PartitionSet{{"t", 0}}));
  member.on_change_done(change);
  EXPECT_EQ(asked().owned, (Places{{id_of(2), 0}}));
}

TEST_F(ConsumerMemberTest, LosesAllWhenItIsFenced) {
  for (const ErrorCode code : {ErrorCode::fenced_member_epoch, ErrorCode::unknown_member_id}) {
    member = ConsumerMember(settings(), "me");
    join({{id_of(1), 0}});
    member.on_change_done(*member.change());
    asked();
    refuse(code);

    EXPECT_EQ(member.change(), loses({{"t", 0}}));
    EXPECT_EQ(member.generation(), -1);
    expect_silence();
    member.on_change_done(loses({{"t", 0}}));

    const ConsumerCall again = asked();
    EXPECT_EQ(again.epoch, 0);
    EXPECT_TRUE(again.is_whole);
    EXPECT_EQ(again.owned, Places{});
  }
}

TEST_F(ConsumerMemberTest, SaysAllAgainWhenAnAnswerWasLost) {
  join({{id_of(1), 0}});
  member.on_change_done(*member.change());
  asked();
  member.on_failure(now);

  const ConsumerCall again = asked();

  EXPECT_EQ(again.epoch, 1);
  EXPECT_TRUE(again.is_whole);
  EXPECT_EQ(again.owned, (Places{{id_of(1), 0}}));
}

TEST_F(ConsumerMemberTest, LeavesWhenNobodyPollsAndComesBackWhenSomebodyDoes) {
  join({{id_of(1), 0}});
  member.on_change_done(*member.change());
  asked();
  answer(1);
  now += 300s;

  EXPECT_EQ(asked().epoch, -1);
  answer(-1);
  EXPECT_EQ(member.change(), loses({{"t", 0}}));
  member.on_change_done(loses({{"t", 0}}));
  expect_silence();
  member.on_poll(now);

  EXPECT_EQ(asked().epoch, 0);
}

TEST_F(ConsumerMemberTest, SaysGoodbyeOnceAndAStaticMemberThatItComesBack) {
  for (const auto& [instance, epoch] : {std::pair("", -1), std::pair("i", -2)}) {
    MemberSettings made = settings();
    made.instance_id = instance;
    member = ConsumerMember(made, "me");
    join({});
    member.leave();

    EXPECT_FALSE(member.is_over());
    EXPECT_EQ(asked().epoch, epoch);
    answer(epoch);
    EXPECT_TRUE(member.is_over());
    expect_silence();
  }
}

TEST_F(ConsumerMemberTest, FailsForGoodWhereTryingAgainIsOfNoUse) {
  member.on_poll(now);
  asked();
  refuse(ErrorCode::unsupported_assignor);

  ASSERT_TRUE(member.failure().has_value());
  EXPECT_EQ(member.failure()->kafka_code(), 112);
  EXPECT_TRUE(member.is_over());
  expect_silence();
}

}  // namespace
}  // namespace tidelog::core
