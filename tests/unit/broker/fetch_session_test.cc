// What a fetch session keeps (KIP-227), and which session makes way for another.
#include "broker/handlers/fetch_session_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <unordered_map>
#include <vector>

namespace tidelog::broker {
namespace {

using proto::FetchRequest;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kPlenty = 1 << 20;
constexpr SteadyTime kStart = minutes(60);

/// A request for, or a forgetting of, the first partitions of one topic. Owns what the request views.
class Request {
 public:
  explicit Request(std::string topic) : topic_(std::move(topic)) {}

  Request& ask(std::int32_t partitions, std::int64_t offset = 0) {
    for (std::int32_t i = 0; i < partitions; ++i) partitions_.push_back({.partition = i, .fetch_offset = offset});
    topics_.push_back({.topic = topic_, .partitions = partitions_});
    message_.topics = topics_;
    return *this;
  }
  Request& forget(std::vector<std::int32_t> partitions) {
    forgotten_partitions_ = std::move(partitions);
    forgotten_.push_back({.topic = topic_, .partitions = forgotten_partitions_});
    message_.forgotten_topics_data = forgotten_;
    return *this;
  }
  [[nodiscard]] const FetchRequest& message() const { return message_; }

 private:
  std::string topic_;
  std::vector<FetchRequest::FetchPartition> partitions_;
  std::vector<FetchRequest::FetchTopic> topics_;
  std::vector<std::int32_t> forgotten_partitions_;
  std::vector<FetchRequest::ForgottenTopic> forgotten_;
  FetchRequest message_;
};

FetchRequest topic_of(Request& request, std::int32_t partitions) { return request.ask(partitions).message(); }

std::vector<std::int32_t> partitions_of(FetchSession& session) {
  std::vector<std::int32_t> partitions;
  for (const FetchItem& item : session.items()) partitions.push_back(item.id.partition.value);
  return partitions;
}

/// Opens a session with so many partitions; 0 if the cache had no room.
std::int32_t open(FetchSessionCache& cache, std::int32_t partitions, SteadyTime now) {
  static std::int32_t drawn = 0;  // No id comes again, or a session would be taken for one that went.
  const auto session = cache.open(++drawn, false, static_cast<std::size_t>(partitions), now);
  if (session == nullptr) return 0;
  Request request("topic");
  cache.update(*session, topic_of(request, partitions), now);
  return session->id();
}

TEST(FetchSession, KeepsWhatItWasAskedForAndWhatChanged) {
  FetchSession session(1, false, kStart);
  Request first("t");
  Request second("t");

  session.update(first.ask(3, 10).message());
  session.update(second.ask(1, 11).message());

  EXPECT_THAT(partitions_of(session), testing::ElementsAre(0, 1, 2));
  EXPECT_EQ(session.items().front().fetch_offset, 11);
  EXPECT_EQ(session.items().back().fetch_offset, 10);
}

TEST(FetchSession, ForgetsAfterItAdded) {
  FetchSession session(1, false, kStart);
  Request request("t");

  session.update(request.ask(3).forget({0, 2, 9}).message());

  EXPECT_THAT(partitions_of(session), testing::ElementsAre(1));
}

TEST(FetchSession, FindsAPartitionAgainWhateverItsTurn) {
  FetchSession session(1, false, kStart);
  Request first("a topic with a name that is too long for any short string");
  session.update(first.ask(2).message());
  session.move_to_end(session.items().begin());
  Request second("a topic with a name that is too long for any short string");

  session.update(second.ask(2, 5).message());

  EXPECT_THAT(partitions_of(session), testing::ElementsAre(1, 0));
  EXPECT_EQ(session.items().back().fetch_offset, 5);
}

TEST(FetchSession, CountsItsMemoryUpAndDown) {
  FetchSession session(1, false, kStart);
  Request first("t");
  Request second("t");
  session.update(first.ask(2).message());
  const std::size_t with_two = session.size_bytes();

  session.update(second.forget({0, 1}).message());

  EXPECT_GT(with_two, 2 * sizeof(FetchItem));
  EXPECT_EQ(session.size_bytes(), 0U);
}

// The longest name there is, with very many partitions: were it kept for each, 64 MB would come of one small request.
TEST(FetchSession, KeepsALongNameOnceHoweverManyPartitionsItHas) {
  FetchSession session(1, false, kStart);
  Request request(std::string(32767, 'n'));

  session.update(request.ask(2000).message());

  EXPECT_EQ(session.items().size(), 2000U);
  EXPECT_EQ(session.items().front().topic, session.items().back().topic);
  EXPECT_EQ(*session.items().front().topic, std::string(32767, 'n'));
}

/// The index's bucket with the most of `keys`.
std::size_t longest_bucket(std::unordered_map<FetchSession::Key, int, FetchSession::KeyHash>& index,
                           const std::vector<FetchSession::Key>& keys) {
  std::size_t longest = 0;
  for (const FetchSession::Key& key : keys) index.emplace(key, 0);
  for (std::size_t bucket = 0; bucket < index.bucket_count(); ++bucket) longest = std::max(longest, index.bucket_size(bucket));
  return longest;
}

// A client chooses the numbers of partitions: equally far from one another, or such that the C++ library's own hash is alike for all.
TEST(FetchSession, NoPartitionsThatAClientCanChooseMeetInOneBucket) {
  constexpr std::size_t kKeys = 500;
  std::unordered_map<FetchSession::Key, int, FetchSession::KeyHash> index(kKeys);
  const std::size_t buckets = index.bucket_count();
  const Uuid none{};
  const std::string_view zeros(reinterpret_cast<const char*>(none.bytes.data()), none.bytes.size());
  const std::size_t of_name = std::hash<std::string_view>{}("t");
  const std::size_t of_id = std::hash<std::string_view>{}(zeros) * 31;
  std::vector<FetchSession::Key> alike;
  for (std::size_t i = 0; alike.size() < kKeys; ++i) {
    const TopicPartition id{.topic_id = none, .partition = {static_cast<std::int32_t>(i)}};
    if ((of_name ^ (of_id + i)) % buckets == 0) alike.push_back({.topic = "t", .id = id, .topic_hash = KeyedHash::of("t")});
  }

  EXPECT_LT(longest_bucket(index, alike), 20U);
}

// Above a few partitions each name has an index entry; the hash of a name is made once, and has to be found again later.
TEST(FetchSession, FindsWhatItHasWhenTheIndexBeganInTheMiddleOfATopic) {
  FetchSession session(1, false, kStart);
  Request few("a");
  Request many("b");
  Request again("b");
  session.update(few.ask(6).message());
  session.update(many.ask(6, 1).message());

  session.update(again.ask(6, 2).forget({5}).message());
  Request rest("a");
  session.update(rest.forget({0, 1, 2, 3, 4}).message());

  EXPECT_EQ(session.size(), 6U);
  EXPECT_EQ(*session.items().front().topic, "a");
  EXPECT_EQ(session.items().back().fetch_offset, 2);
}

TEST(FetchSession, KeepsANameUntilItsLastPartitionIsForgotten) {
  FetchSession session(1, false, kStart);
  Request first("a name that is not short");
  session.update(first.ask(2).message());
  Request second("a name that is not short");

  session.update(second.forget({0}).message());

  EXPECT_EQ(*session.items().front().topic, "a name that is not short");
  EXPECT_THAT(partitions_of(session), testing::ElementsAre(1));
}

TEST(FetchSession, WrapsItsEpochToOne) {
  FetchSession session(1, false, kStart);
  for (int i = 0; i < 3; ++i) session.next_epoch();

  EXPECT_EQ(session.epoch(), 4);
}

TEST(FetchSessionCache, GivesEachSessionAnIdOfItsOwn) {
  FetchSessionCache cache(3, kPlenty);

  const std::int32_t first = cache.open(INT32_MAX, false, 1, kStart)->id();
  const std::int32_t second = cache.open(INT32_MAX, false, 1, kStart)->id();
  const std::int32_t third = cache.open(INT32_MIN, false, 1, kStart)->id();

  EXPECT_EQ(first, INT32_MAX);
  EXPECT_EQ(second, 1);
  EXPECT_EQ(third, 2);
}

TEST(FetchSessionCache, RefusesWhatHasNoRoomWhileAllAreYoung) {
  FetchSessionCache cache(2, kPlenty);
  open(cache, 1, kStart);
  open(cache, 1, kStart);

  EXPECT_EQ(open(cache, 100, kStart + minutes(2)), 0);
  EXPECT_EQ(cache.size(), 2U);
}

TEST(FetchSessionCache, HasNoSessionsWithoutSlots) {
  FetchSessionCache cache(0, kPlenty);

  EXPECT_EQ(open(cache, 1, kStart), 0);
}

TEST(FetchSessionCache, LetsASessionGoThatNobodyUsed) {
  FetchSessionCache cache(2, kPlenty);
  const std::int32_t used = open(cache, 1, kStart);
  const std::int32_t unused = open(cache, 50, kStart);
  cache.update(*cache.find(used), FetchRequest(), kStart + minutes(2));

  const std::int32_t next = open(cache, 1, kStart + minutes(2) + seconds(1));

  EXPECT_NE(next, 0);
  EXPECT_EQ(cache.find(unused), nullptr);
  EXPECT_NE(cache.find(used), nullptr);
}

TEST(FetchSessionCache, LetsTheSmallestSettledSessionGoForALargerOne) {
  FetchSessionCache cache(3, kPlenty);
  const std::int32_t large = open(cache, 9, kStart);
  const std::int32_t small = open(cache, 3, kStart);
  const SteadyTime later = kStart + minutes(3);
  for (const std::int32_t id : {large, small}) cache.update(*cache.find(id), FetchRequest(), later);
  const std::int32_t young = open(cache, 1, later);

  const std::int32_t too_small = open(cache, 2, later);
  const std::int32_t next = open(cache, 3, later);

  EXPECT_EQ(too_small, 0);
  EXPECT_NE(next, 0);
  EXPECT_EQ(cache.find(small), nullptr);
  EXPECT_NE(cache.find(large), nullptr);
  EXPECT_NE(cache.find(young), nullptr);
}

TEST(FetchSessionCache, EndsASessionThatForgotEverything) {
  FetchSessionCache cache(1, kPlenty);
  const std::int32_t id = open(cache, 1, kStart);
  const std::shared_ptr<FetchSession> held = cache.find(id);
  Request request("topic");

  const bool goes_on = cache.update(*held, request.forget({0}).message(), kStart);

  EXPECT_FALSE(goes_on);
  EXPECT_EQ(cache.find(id), nullptr);
  EXPECT_EQ(cache.size_bytes(), 0U);
  EXPECT_EQ(held->size(), 0U);  // Whoever uses it still may.
}

TEST(FetchSessionCache, EndsASessionThatGrowsBeyondTheMemory) {
  FetchSessionCache cache(5, 100 * sizeof(FetchItem));
  const std::int32_t modest = open(cache, 5, kStart);
  const auto greedy = cache.open(9, false, 1, kStart);
  Request request("topic");

  const bool goes_on = cache.update(*greedy, topic_of(request, 1000), kStart);

  EXPECT_FALSE(goes_on);
  EXPECT_NE(cache.find(modest), nullptr);
  EXPECT_EQ(cache.size_bytes(), cache.find(modest)->size_bytes());
  EXPECT_EQ(greedy->size(), 1000U);  // This one answer still covers everything.
}

TEST(FetchSessionCache, GivesTheMemoryOfUnusedSessionsToOneThatGrows) {
  FetchSessionCache cache(5, 100 * sizeof(FetchItem));
  const std::int32_t unused = open(cache, 30, kStart);
  const SteadyTime later = kStart + minutes(3);
  const auto growing = cache.open(9, false, 1, later);
  Request request("topic");

  const bool goes_on = cache.update(*growing, topic_of(request, 40), later);

  EXPECT_TRUE(goes_on);
  EXPECT_EQ(cache.find(unused), nullptr);
  EXPECT_EQ(cache.size_bytes(), growing->size_bytes());
}

TEST(FetchSessionCache, ClosingTwiceCountsOnce) {
  FetchSessionCache cache(2, kPlenty);
  const std::int32_t id = open(cache, 2, kStart);
  open(cache, 3, kStart);

  cache.close(id);
  cache.close(id);

  EXPECT_EQ(cache.size(), 1U);
  EXPECT_GT(cache.size_bytes(), 3 * sizeof(FetchItem));
}

}  // namespace
}  // namespace tidelog::broker
