#include "raft/read_rounds.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace raft {
namespace {

// Calls back those of `reads` that `wanted` picks, and forgets them. How many.
template <typename Wanted>
size_t End(std::vector<ReadRounds::Read>& reads, const absl::Status& why, Wanted wanted) {
  auto ended = std::stable_partition(reads.begin(), reads.end(),
                                     [&](const ReadRounds::Read& read) { return !wanted(read); });
  const size_t count = reads.end() - ended;
  for (auto read = ended; read != reads.end(); ++read) read->done(why);
  reads.erase(ended, reads.end());
  return count;
}

}  // namespace

absl::Cord ReadRounds::Start() {
  rounds_.push_back({.number = ++newest_, .reads = std::exchange(waiting_, {})});
  return Question(newest_);
}

// Two numbers as they lie in memory: only this process reads them again.
absl::Cord ReadRounds::Question(uint64_t number) const {
  const std::array<uint64_t, 2> words = {life_, number};
  return absl::Cord(absl::string_view(reinterpret_cast<const char*>(words.data()), sizeof(words)));
}

absl::optional<uint64_t> ReadRounds::NumberIn(const absl::Cord& question) const {
  std::array<uint64_t, 2> words;
  if (question.size() != sizeof(words)) return absl::nullopt;
  std::memcpy(words.data(), std::string(question).data(), sizeof(words));
  if (words[0] != life_) return absl::nullopt;
  return words[1];
}

void ReadRounds::RefuseNewest() {
  TakeBack(rounds_.back());
  rounds_.pop_back();
  blocked_ = true;
}

void ReadRounds::TakeBackAll() {
  blocked_ = false;
  for (Round& round : rounds_) TakeBack(round);
  rounds_.clear();
}

void ReadRounds::TakeBack(Round& round) {
  std::move(round.reads.begin(), round.reads.end(), std::back_inserter(waiting_));
}

size_t ReadRounds::Answer(const ReadState& answer) {
  const absl::optional<uint64_t> number = NumberIn(answer.context);
  if (!number.has_value()) return 0;
  size_t answered = 0;
  while (!rounds_.empty() && rounds_.front().number <= *number) {
    Round round = std::move(rounds_.front());
    rounds_.pop_front();  // First: a callback may lead back here.
    for (Read& read : round.reads) read.done(answer.index);
    answered += round.reads.size();
  }
  return answered;
}

void ReadRounds::Tick(uint32_t ticks) {
  blocked_ = false;
  for (Round& round : rounds_) round.ticks += ticks;
  while (!rounds_.empty() && rounds_.front().ticks >= retry_ticks_) {
    TakeBack(rounds_.front());
    rounds_.pop_front();
  }
}

size_t ReadRounds::Expire(absl::Time now, const absl::Status& why) {
  auto expired = [now](const Read& read) { return read.deadline <= now; };
  size_t count = End(waiting_, why, expired);
  for (Round& round : rounds_) count += End(round.reads, why, expired);
  return count;
}

size_t ReadRounds::Fail(const absl::Status& why) {
  TakeBackAll();
  return End(waiting_, why, [](const Read&) { return true; });
}

}  // namespace raft
