// The reads of many callers, gathered into few questions to the leader (§6.4).
#ifndef RAFT_RAFT_READ_ROUNDS_H_
#define RAFT_RAFT_READ_ROUNDS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "raft/ready.h"
#include "raft/types.h"

namespace raft {

// A read waits until a round takes it along; the round is one question with a number, and its
// answer is good for every read that was there before the question was asked, also for those of
// earlier rounds whose own answer was lost. Each read is answered exactly once. Furniture of Node,
// whose thread owns it.
class ReadRounds {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<Index>)>;
  struct Read {
    absl::Time deadline;
    Done done;
  };

  // At most `max_in_flight` rounds without an answer; one is repeated after `retry_ticks`. `life`
  // is a number that no earlier life of this server has used: an answer to a question that was
  // asked before a restart is too old for any read of today.
  ReadRounds(uint64_t life, size_t max_in_flight, uint32_t retry_ticks)
      : life_(life), max_in_flight_(max_in_flight), retry_ticks_(retry_ticks) {}

  void Add(Read read) { waiting_.push_back(std::move(read)); }

  // Whether reads wait that a new round could take along.
  bool CanStart() const {
    return !waiting_.empty() && rounds_.size() < max_in_flight_ && !blocked_;
  }
  // Starts a round with everything that waits. The context of the question to ask. Requires
  // CanStart().
  absl::Cord Start();

  // The question of the newest round was not taken: its reads wait again, and no round starts until
  // time has passed or the leader has changed.
  void RefuseNewest();
  // The leader has changed: what was asked may never be answered. All reads wait again.
  void TakeBackAll();

  // An answer; strangers' and old ones do nothing. How many reads it was good for.
  size_t Answer(const ReadState& answer);

  // Time passes: rounds that took too long are taken back.
  void Tick(uint32_t ticks);

  // Ends the reads whose deadline has passed with `why`. How many.
  size_t Expire(absl::Time now, const absl::Status& why);
  // Ends all of them.
  size_t Fail(const absl::Status& why);

  bool empty() const { return waiting_.empty() && rounds_.empty(); }
  uint64_t started() const { return newest_; }  // Rounds so far.

 private:
  struct Round {
    uint64_t number;
    uint32_t ticks = 0;  // Since it was asked.
    std::vector<Read> reads;
  };

  absl::Cord Question(uint64_t number) const;
  absl::optional<uint64_t> NumberIn(const absl::Cord& question) const;
  void TakeBack(Round& round);

  const uint64_t life_;
  const size_t max_in_flight_;
  const uint32_t retry_ticks_;
  std::vector<Read> waiting_;
  std::deque<Round> rounds_;  // Without an answer, in order of their numbers.
  uint64_t newest_ = 0;
  bool blocked_ = false;
};

}  // namespace raft

#endif  // RAFT_RAFT_READ_ROUNDS_H_
