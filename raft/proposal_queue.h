// Proposals on their way into the core, which wait there while nobody leads.
#ifndef RAFT_RAFT_PROPOSAL_QUEUE_H_
#define RAFT_RAFT_PROPOSAL_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "raft/raw_node.h"
#include "raftpb/conf_change.h"

namespace raft {

// Keeps the order of arrival. Each proposal is ended exactly once: taken by the core, refused by
// it, or too late. Furniture of Node, whose thread owns it.
class ProposalQueue {
 public:
  using Done = absl::AnyInvocable<void(const absl::Status&)>;
  struct Proposal {
    absl::Cord data;
    absl::optional<raftpb::ConfChangeV2> change;  // Instead of data.
    absl::Time deadline;
    Done done;
  };
  // What has been ended since the last TakeEnded.
  struct Ended {
    size_t proposals = 0;
    size_t bytes = 0;
    uint64_t taken = 0;    // Of them by the core,
    uint64_t batches = 0;  // in so many pieces.
  };

  void Add(Proposal proposal) { waiting_.push_back(std::move(proposal)); }

  // Gives the core everything, as few pieces as possible, unless it last said that it has no leader
  // to give it to.
  void Offer(RawNode& core);

  // Something has changed (a leader, the time): worth offering again.
  void Unblock() { blocked_ = false; }

  // Ends the proposals whose deadline has passed, with the reason why they still wait.
  void Expire(absl::Time now);
  void Fail(const absl::Status& why);  // Ends all of them.

  bool empty() const { return waiting_.empty(); }
  Ended TakeEnded() { return std::exchange(ended_, {}); }

 private:
  size_t CountRun() const;
  absl::Status OfferFront(RawNode& core, size_t run);
  void End(size_t count, const absl::Status& how);
  void EndOne(Proposal& proposal, const absl::Status& how);

  std::deque<Proposal> waiting_;
  absl::Status last_refusal_;
  bool blocked_ = false;
  Ended ended_;
  std::vector<absl::Cord> batch_;  // Scratch, for its memory.
};

}  // namespace raft

#endif  // RAFT_RAFT_PROPOSAL_QUEUE_H_
