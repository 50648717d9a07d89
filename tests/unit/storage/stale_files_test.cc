// Files of a log that are not those that belong there. What can be rebuilt from the segments is rebuilt byte for byte; a segment that is
// gone or holds another one's batches is refused, with file and offsets told, and the rest is served.
#include "storage/log/segment.h"
#include "tests/unit/storage/log_reading.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <utility>

namespace tidelog::testing {
namespace {

using storage::RecoveryPoint;
using storage::RecoveryRequest;

using Files = std::map<std::string, BatchBytes>;

Files files_of(const MemoryFiles& disk) {
  Files found;
  for (const std::string& name : disk.names(kLogDirectory)) found[name] = disk.contents(LogFixture::path(name));
  return found;
}

void set_back(LogFixture& fixture, const Files& files) {
  fixture.drop();
  for (const std::string& name : fixture.disk().names(kLogDirectory)) {
    if (!files.contains(name)) EXPECT_TRUE(fixture.disk().remove(LogFixture::path(name)));
  }
  for (const auto& [name, bytes] : files) fixture.disk().set_contents(LogFixture::path(name), bytes);
}

BatchBytes noise(std::size_t size) {
  std::mt19937 random(static_cast<std::uint32_t>(size));
  BatchBytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

/// What may have become of a file. Nothing: it is gone.
struct Spoiled {
  std::string how;
  std::optional<BatchBytes> bytes;
};

/// `older`: what an earlier checkpoint left under the name.
std::vector<Spoiled> spoil(const BatchBytes& whole, const BatchBytes& older) {
  const auto part = [&](std::size_t size) { return BatchBytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)); };
  return {{"gone", std::nullopt},
          {"empty", BatchBytes{}},
          {"cut in half", part(whole.size() / 2)},
          {"cut by a byte", part(whole.size() - 1)},
          {"noise", noise(whole.size())},
          {"more noise", noise(whole.size() + 4096)},
          {"stale", older}};
}

/// Closed, with all kinds of files beside its three segments; and how those were at a checkpoint before.
class Closed {
 public:
  Closed() {
    for (; count_ < 60; ++count_) {
      append();
      if (count_ == 54) checkpoint();
    }
    EXPECT_TRUE(fixture_.sync());
    fixture_.log().close();
    point_ = fixture_.log().recovery_state();
    files_ = files_of(fixture_.disk());
    tail_ = name_of(point_.segment_base);
  }

  [[nodiscard]] LogFixture& fixture() { return fixture_; }
  [[nodiscard]] const Files& files() const { return files_; }
  [[nodiscard]] const Files& earlier() const { return earlier_; }
  /// Stopped cleanly, or killed after the earlier checkpoint.
  [[nodiscard]] std::array<RecoveryRequest, 2> ways_to_open() const {
    return {RecoveryRequest{.known = point_, .was_clean = true}, RecoveryRequest{.known = earlier_point_, .writes_survived = true}};
  }

  /// What index, epochs and newest snapshot are after a restart and one more batch, if the log is opened with `files`.
  [[nodiscard]] Files written_anew(const Files& files, const RecoveryRequest& request) {
    set_back(fixture_, files);
    fixture_.reopen_after(request);
    EXPECT_FALSE(fixture_.log().is_offline()) << fixture_.log().offline_reason();
    append();
    EXPECT_TRUE(fixture_.sync());
    fixture_.log().close();
    Files anew = files_of(fixture_.disk());
    const std::string end = std::to_string(fixture_.log().end_offset().value);
    const std::string snapshot = std::string(20 - end.size(), '0') + end + ".snapshot";
    std::erase_if(anew, [&](const auto& each) {
      return each.first != tail_ + ".index" && each.first != tail_ + ".timeindex" && each.first != "leader-epoch-checkpoint" &&
             each.first != snapshot;
    });
    EXPECT_EQ(anew.size(), 4U);
    return anew;
  }

  /// Without an extension.
  [[nodiscard]] const std::string& tail() const { return tail_; }
  [[nodiscard]] static std::string name_of(Offset base) {
    const std::string digits = std::to_string(base.value);
    return std::string(20 - digits.size(), '0') + digits;
  }

 private:
  void append() {
    std::int32_t& sequence = sequences_.at(static_cast<std::size_t>(count_ % 4));
    const int records = 1 + count_ % 3;
    const BatchSpec spec{.records = records,
                         .epoch = {count_ / 11},
                         .timestamps = {1000 + count_},
                         .producer = {count_ % 4},
                         .producer_epoch = 0,
                         .sequence = sequence};
    EXPECT_NE(fixture_.append(spec), Offset{-1});
    if (count_ < 60) sequence += records;  // The one that comes last is appended again and again.
  }

  void checkpoint() {
    EXPECT_TRUE(fixture_.sync());
    EXPECT_TRUE(fixture_.log().checkpoint());
    earlier_point_ = fixture_.log().recovery_state();
    fixture_.log().manifest_written();
    earlier_ = files_of(fixture_.disk());
  }

  LogFixture fixture_{small_segments(3000)};
  int count_ = 0;
  std::array<std::int32_t, 4> sequences_{};
  RecoveryPoint earlier_point_;
  RecoveryPoint point_;
  Files earlier_;
  Files files_;
  std::string tail_;
};

bool is_rebuilt(std::string_view name) {
  return name.ends_with(".index") || name.ends_with(".timeindex") || name.ends_with(".snapshot") || name == "leader-epoch-checkpoint";
}

Files with(const Files& files, const std::string& name, const Spoiled& spoiled) {
  Files changed = files;
  changed.erase(name);
  if (spoiled.bytes) changed[name] = *spoiled.bytes;
  return changed;
}

/// Whatever becomes of the file `name`, it comes back as it is when nothing is wrong.
void expect_written_anew(Closed& log, const RecoveryRequest& request, const std::string& name) {
  const Files expected = log.written_anew(log.files(), request);
  const BatchBytes& whole = log.files().at(name);
  const BatchBytes& older = log.earlier().contains(name) ? log.earlier().at(name) : whole;
  for (const Spoiled& spoiled : spoil(whole, older)) {
    ASSERT_EQ(log.written_anew(with(log.files(), name, spoiled), request), expected) << name << ", " << spoiled.how;
  }
}

TEST(StaleFiles, AreWrittenAnewByteForByteOnceTheLogIsUsed) {
  Closed log;
  ASSERT_NE(log.earlier().at(log.tail() + ".index"), log.files().at(log.tail() + ".index"));
  ASSERT_NE(log.earlier().at("leader-epoch-checkpoint"), log.files().at("leader-epoch-checkpoint"));
  for (const RecoveryRequest& request : log.ways_to_open()) {
    for (const auto& [name, bytes] : log.files()) {
      if (is_rebuilt(name)) ASSERT_NO_FATAL_FAILURE(expect_written_anew(log, request, name));
    }
  }
}

/// As after a crash that took all that was written since the checkpoint, but for the segments.
TEST(StaleFiles, AllOfThemTogetherAreWrittenAnewByteForByte) {
  Closed log;
  for (const RecoveryRequest& request : log.ways_to_open()) {
    const Files expected = log.written_anew(log.files(), request);
    Files stale = log.files();
    std::erase_if(stale, [](const auto& each) { return is_rebuilt(each.first); });
    Files none = stale;
    for (const auto& [name, bytes] : log.earlier()) {
      if (is_rebuilt(name)) stale[name] = bytes;
    }

    EXPECT_EQ(log.written_anew(stale, request), expected) << "stale";
    EXPECT_EQ(log.written_anew(none, request), expected) << "gone";
  }
}

void expect_index_built_again(Closed& log, const std::string& stem, const std::string& kind) {
  const storage::LogConfig config = small_segments(3000);
  const storage::LogPlace place = log.fixture().place();
  const BatchBytes& whole = log.files().at(stem + kind);
  const std::size_t entry = kind == ".index" ? 8 : 12;
  ASSERT_GT(whole.size(), 2 * entry);
  for (const Spoiled& spoiled : spoil(whole, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(entry)})) {
    set_back(log.fixture(), with(log.files(), stem + kind, spoiled));
    storage::Segment segment(place, config, {std::stoll(stem)}, log.files().at(stem + ".log").size());

    ASSERT_TRUE(segment.write_index());

    ASSERT_EQ(files_of(log.fixture().disk()), log.files()) << stem << kind << ", " << spoiled.how;
  }
}

/// A sealed segment's indexes are used as they are, or built again: to the very bytes that its roll wrote.
TEST(StaleFiles, TheIndexesOfASealedSegmentAreBuiltAgainByteForByte) {
  Closed log;
  int segments = 0;
  for (const auto& [name, bytes] : log.files()) {
    if (!name.ends_with(".log") || name.starts_with(log.tail())) continue;
    ++segments;
    const std::string stem = name.substr(0, name.size() - 4);
    for (const char* kind : {".index", ".timeindex"}) ASSERT_NO_FATAL_FAILURE(expect_index_built_again(log, stem, kind));
  }
  EXPECT_EQ(segments, 2);
}

/// A log that was synced and closed, as its manifest says; one record a batch, so that every offset is one.
class Synced {
 public:
  Synced() {
    for (int i = 0; i < 30; ++i) fixture_.append();
    before_ = read_as_client(fixture_.log());
    EXPECT_TRUE(fixture_.sync());
    fixture_.log().close();
    point_ = fixture_.log().recovery_state();
    fixture_.drop();
    files_ = files_of(fixture_.disk());
    for (const auto& [name, bytes] : files_) {
      if (name.ends_with(".log")) bases_.push_back({std::stoll(name)});
    }
  }

  [[nodiscard]] LogFixture& fixture() { return fixture_; }
  [[nodiscard]] Files files() const { return files_; }
  [[nodiscard]] const std::vector<Offset>& bases() const { return bases_; }
  [[nodiscard]] std::string segment(std::size_t number) const { return Closed::name_of(bases_.at(number)) + ".log"; }
  /// All that a start may know about how the log was left.
  [[nodiscard]] std::vector<std::pair<std::string, RecoveryRequest>> ways_to_open() const {
    return {{"clean", {.known = point_, .was_clean = true}},
            {"killed", {.known = point_, .writes_survived = true}},
            {"power loss", {.known = point_}},
            {"full check", {.known = point_, .full_check = true}}};
  }

  void add_offsets_of(std::size_t number, std::set<Offset>& offsets) const {
    const Offset end = number + 1 < bases_.size() ? bases_[number + 1] : before_.end;
    for (Offset at = bases_.at(number); at < end; ++at) offsets.insert(at);
  }

  /// `lost` is refused and told of, all else is there, and appends go on: now, and after another start.
  void expect_all_but(const std::set<Offset>& lost) {
    expect_read_but(lost, before_.end);
    expect_told(lost);
    EXPECT_EQ(fixture_.append(), before_.end + 1);
    fixture_.restart();
    expect_read_but(lost, before_.end + 1);
  }

 private:
  void expect_read_but(const std::set<Offset>& lost, Offset end) {
    const LogReading now = read_as_client(fixture_.log());
    EXPECT_EQ(now.refused, lost);
    EXPECT_TRUE(now.disbelieved.empty());
    EXPECT_EQ(now.end, end);
    for (const auto& [base, bytes] : before_.batches) {
      EXPECT_NE(now.holds(base, bytes), lost.contains(base)) << "offset " << base.value;
    }
  }

  /// For each offset there is a range, and its sentence has a file of the log and the offsets.
  void expect_told(const std::set<Offset>& lost) {
    std::set<Offset> told;
    for (const storage::DamagedRange& range : fixture_.log().damage().ranges()) {
      for (Offset at = range.from; at < range.to; ++at) told.insert(at);
      const std::string sentence = storage::describe(kLogDirectory, range);
      const std::string offsets = "offsets " + std::to_string(range.from.value) + " to " + std::to_string(range.to.value - 1);
      EXPECT_NE(sentence.find(Closed::name_of(range.segment_base) + ".log: " + offsets), std::string::npos) << sentence;
    }
    EXPECT_EQ(told, lost);
  }

  LogFixture fixture_{small_segments()};
  LogReading before_;
  RecoveryPoint point_;
  Files files_;
  std::vector<Offset> bases_;
};

TEST(SegmentThatIsGone, IsRefusedAndTheRestServedHoweverTheLogWasLeft) {
  Synced log;
  ASSERT_GE(log.bases().size(), 3U);
  for (std::size_t gone = 0; gone < log.bases().size(); ++gone) {
    for (const auto& [way, request] : log.ways_to_open()) {
      SCOPED_TRACE(log.segment(gone) + " is gone, " + way);
      Files files = log.files();
      files.erase(log.segment(gone));
      set_back(log.fixture(), files);

      log.fixture().reopen_after(request);

      std::set<Offset> lost;
      log.add_offsets_of(gone, lost);
      log.expect_all_but(lost);
    }
  }
}

/// Opens the log in every way after two of its segments took each other's names, and perhaps those of their indexes.
void expect_both_refused(Synced& log, std::pair<std::size_t, std::size_t> swapped, bool with_indexes) {
  const auto [one, other] = swapped;
  for (const auto& [way, request] : log.ways_to_open()) {
    SCOPED_TRACE(log.segment(one) + " and " + log.segment(other) + (with_indexes ? " with their indexes, " : ", ") + way);
    Files files = log.files();
    std::swap(files.at(log.segment(one)), files.at(log.segment(other)));
    const std::string stem = Closed::name_of(log.bases()[one]), other_stem = Closed::name_of(log.bases()[other]);
    if (with_indexes) std::swap(files.at(stem + ".index"), files.at(other_stem + ".index"));
    if (with_indexes) std::swap(files.at(stem + ".timeindex"), files.at(other_stem + ".timeindex"));
    set_back(log.fixture(), files);

    log.fixture().reopen_after(request);

    std::set<Offset> lost;
    log.add_offsets_of(one, lost);
    log.add_offsets_of(other, lost);
    log.expect_all_but(lost);
  }
}

/// Each is whole by itself, checksums and all: only the offsets say that it is not what its name says.
TEST(SegmentsThatAreSwapped, AreBothRefusedHoweverTheLogWasLeft) {
  Synced log;
  for (std::size_t one = 0; one < log.bases().size(); ++one) {
    for (std::size_t other = one + 1; other < log.bases().size(); ++other) {
      for (const bool with_indexes : {false, true}) expect_both_refused(log, {one, other}, with_indexes);
    }
  }
}

/// Above the recovery point after power loss: nothing says which segment is which, so the log ends where it stops making sense, and no byte
/// is thrown away.
TEST(SegmentsThatAreSwapped, AboveTheRecoveryPointEndTheLogAfterPowerLoss) {
  Synced log;
  Files files = log.files();
  std::swap(files.at(log.segment(1)), files.at(log.segment(2)));
  set_back(log.fixture(), files);

  log.fixture().reopen(RecoveryPoint{});

  EXPECT_EQ(log.fixture().log().end_offset(), log.bases()[1]);
  EXPECT_TRUE(read_as_client(log.fixture().log()).refused.empty());
  std::size_t before = 0, after = 0;
  for (const auto& [name, bytes] : files) before += name.ends_with(".log") ? bytes.size() : 0;
  for (const auto& [name, bytes] : files_of(log.fixture().disk())) {
    after += name.ends_with(".log") || name.ends_with(".cut") ? bytes.size() : 0;
  }
  EXPECT_EQ(after, before);
  EXPECT_NE(log.fixture().report().notes.at(0).find(log.segment(1)), std::string::npos);
  EXPECT_EQ(log.fixture().append(), log.bases()[1] + 1);
}

}  // namespace
}  // namespace tidelog::testing
