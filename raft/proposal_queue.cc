#include "raft/proposal_queue.h"

#include <algorithm>
#include <utility>

#include "raft/errors.h"

namespace raft {
namespace {

// Whether a refusal is about now, and the same proposal may well be taken later.
bool IsWorthWaiting(const absl::Status& refusal) {
  if (!IsProposalDropped(refusal)) return false;
  const DropReason reason = DropReasonOf(refusal);
  return reason == DropReason::kNoLeader || reason == DropReason::kTransferring;
}

bool IsOverQuota(const absl::Status& refusal) {
  return IsProposalDropped(refusal) && DropReasonOf(refusal) == DropReason::kOverQuota;
}

}  // namespace

void ProposalQueue::Offer(RawNode& core) {
  while (!waiting_.empty() && !blocked_) {
    size_t run = CountRun();
    absl::Status taken = OfferFront(core, run);
    if (IsOverQuota(taken) && run > 1) {  // Not all of them; perhaps some.
      run = 1;
      taken = OfferFront(core, run);
    }
    if (IsWorthWaiting(taken)) {
      blocked_ = true;
      last_refusal_ = std::move(taken);
      return;
    }
    if (taken.ok()) {
      ended_.taken += run;
      ++ended_.batches;
    }
    End(run, taken);
  }
}

// How many from the front on can be one piece: plain entries, or one change.
size_t ProposalQueue::CountRun() const {
  auto end = std::find_if(waiting_.begin(), waiting_.end(),
                          [](const Proposal& p) { return p.change.has_value(); });
  return std::max<size_t>(end - waiting_.begin(), 1);
}

absl::Status ProposalQueue::OfferFront(RawNode& core, size_t run) {
  if (waiting_.front().change.has_value()) return core.ProposeConfChange(*waiting_.front().change);
  batch_.clear();
  for (size_t i = 0; i < run; ++i) batch_.push_back(waiting_[i].data);
  return core.Propose(batch_);
}

void ProposalQueue::Expire(absl::Time now) {
  auto expired = std::stable_partition(waiting_.begin(), waiting_.end(),
                                       [now](const Proposal& p) { return p.deadline > now; });
  const absl::Status why =
      last_refusal_.ok() ? ProposalDropped(DropReason::kNoLeader) : last_refusal_;
  for (auto proposal = expired; proposal != waiting_.end(); ++proposal) EndOne(*proposal, why);
  waiting_.erase(expired, waiting_.end());
}

void ProposalQueue::Fail(const absl::Status& why) { End(waiting_.size(), why); }

void ProposalQueue::End(size_t count, const absl::Status& how) {
  for (size_t i = 0; i < count; ++i) {
    EndOne(waiting_.front(), how);
    waiting_.pop_front();
  }
}

void ProposalQueue::EndOne(Proposal& proposal, const absl::Status& how) {
  ++ended_.proposals;
  ended_.bytes += proposal.data.size();
  proposal.done(how);
}

}  // namespace raft
