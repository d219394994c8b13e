#include "storage/group_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/check.h"

namespace storage {

namespace {

void CutFront(Run& run, raft::Index last_dropped) {
  run.first = last_dropped + 1;
  run.is_cut = 1;
}

}  // namespace

// Not right behind the last entry.
void GroupLog::AppendElsewhere(const Run& run) {
  known_ = true;
  if (run.first <= last_.index) {
    TrimCache(run.first - 1);
    DropRunsFrom(run.first);
  }
  if (run.first > last_.index + 1) {
    // Replay from the middle: what is before this gap is out of reach.
    DropRunsUpTo(last_.index);
  }
  if (run.last <= compacted_.index) return;
  runs_.push_back(run);
  live_bytes_ += run.bytes;
  if (run.first <= compacted_.index) CutFront(runs_.back(), compacted_.index);
  last_ = {run.term, run.last};
}

void GroupLog::SetHardState(const raftpb::HardState& hard_state, uint64_t segment) {
  known_ = true;
  hard_state_ = hard_state;
  // One that was on its way while the snapshot was marked does not know of it.
  if (snapshot_ != nullptr) hard_state_.commit = std::max(hard_state_.commit, snapshot_->index);
  if (segment != 0) hard_state_segment_ = segment;
}

void GroupLog::MarkSnapshot(std::shared_ptr<const raftpb::SnapshotMetadata> snapshot,
                            uint64_t segment) {
  known_ = true;
  hard_state_.commit = std::max(hard_state_.commit, snapshot->index);
  snapshot_ = std::move(snapshot);
  snapshot_segment_ = segment;
}

void GroupLog::RestoreSnapshot(std::shared_ptr<const raftpb::SnapshotMetadata> snapshot,
                               uint64_t segment) {
  DropRunsUpTo(last_index());
  cache_.Clear();
  cached_bytes_ = 0;
  compacted_ = snapshot->id();
  last_ = compacted_;
  compacted_segment_ = segment;
  MarkSnapshot(std::move(snapshot), segment);
}

void GroupLog::Compact(raft::EntryId compacted, uint64_t segment) {
  known_ = true;
  if (segment != 0) compacted_segment_ = segment;
  if (compacted.index <= compacted_.index) return;
  DropRunsUpTo(compacted.index);
  compacted_ = compacted;
  FindLast();
  const raft::Index kept = last_index() - compacted.index;
  if (cache_.size() > kept) DropCacheFront(cache_.size() - kept);
}

void GroupLog::Relocate(std::vector<Run> runs, uint64_t segment) {
  hard_state_segment_ = segment;
  compacted_segment_ = segment;
  snapshot_segment_ = snapshot_ == nullptr ? 0 : segment;
  runs_ = std::move(runs);
  dropped_runs_ = 0;
  live_bytes_ = 0;
  for (const Run& run : runs_) live_bytes_ += run.bytes;
}

raft::Term GroupLog::TermAt(raft::Index index) const {
  if (index == compacted_.index) return compacted_.term;
  return RunsOf(index, index).front().term;
}

absl::Span<const Run> GroupLog::RunsOf(raft::Index first, raft::Index last) const {
  const absl::Span<const Run> all = runs();
  const auto ends_before = [](const Run& run, raft::Index index) { return run.last < index; };
  const auto begin = std::lower_bound(all.begin(), all.end(), first, ends_before);
  const auto end = std::lower_bound(begin, all.end(), last, ends_before);
  RAFT_CHECK(end != all.end() && begin->first <= first)
      << "entries " << first << " to " << last << " of a log of [" << first_index() << ", "
      << last_index() << "]";
  return all.subspan(static_cast<size_t>(begin - all.begin()),
                     static_cast<size_t>(end - begin) + 1);
}

uint64_t GroupLog::oldest_segment() const {
  uint64_t oldest = 0;
  const auto include = [&oldest](uint64_t segment) {
    if (segment != 0 && (oldest == 0 || segment < oldest)) oldest = segment;
  };
  include(hard_state_segment_);
  include(compacted_segment_);
  include(snapshot_segment_);
  if (!runs().empty()) include(runs().front().segment);  // Later runs are in later segments.
  return oldest;
}

std::string GroupLog::Problem(bool& gap) const {
  gap = false;
  raft::Index next = first_index();
  raft::Term term = compacted_.term;
  for (const Run& run : runs()) {
    if (run.first != next) {
      gap = true;
      return absl::StrCat("entries ", next, " to ", run.first - 1, " are missing");
    }
    if (run.term < term) {
      return absl::StrCat("the term falls from ", term, " to ", run.term, " at entry ", run.first);
    }
    next = run.last + 1;
    term = run.term;
  }
  if (hard_state_.commit > last_index()) {
    return absl::StrCat("entry ", hard_state_.commit, " is committed, and the last one is ",
                        last_index());
  }
  return "";
}

void GroupLog::ShrinkCacheNow(uint64_t max_bytes) {
  size_t dropped = 0;
  while (cached_bytes_ > max_bytes) cached_bytes_ -= PayloadSize(cache_[dropped++]);
  cache_.DropFront(dropped);
}

void GroupLog::DropRunsFrom(raft::Index index) {
  while (runs_.size() > dropped_runs_ && runs_.back().first >= index) {
    live_bytes_ -= runs_.back().bytes;
    runs_.pop_back();
  }
  if (runs_.size() > dropped_runs_ && runs_.back().last >= index) {
    runs_.back().last = index - 1;
    runs_.back().is_cut = 1;
  }
  FindLast();
}

void GroupLog::DropRunsUpTo(raft::Index index) {
  while (dropped_runs_ < runs_.size() && runs_[dropped_runs_].last <= index) {
    live_bytes_ -= runs_[dropped_runs_].bytes;
    ++dropped_runs_;
  }
  if (dropped_runs_ < runs_.size() && runs_[dropped_runs_].first <= index) {
    CutFront(runs_[dropped_runs_], index);
  }
  if (dropped_runs_ * 2 > runs_.size()) {
    runs_.erase(runs_.begin(), runs_.begin() + static_cast<ptrdiff_t>(dropped_runs_));
    dropped_runs_ = 0;
  }
}

void GroupLog::FindLast() {
  last_ = runs().empty() ? compacted_ : raft::EntryId{runs().back().term, runs().back().last};
}

// Drops the entries after `last`, which is before the end: they are being replaced.
void GroupLog::TrimCache(raft::Index last) {
  const raft::Index end = last_.index;
  const size_t dropped = std::min<uint64_t>(cache_.size(), end > last ? end - last : 0);
  for (size_t i = cache_.size() - dropped; i < cache_.size(); ++i) {
    cached_bytes_ -= PayloadSize(cache_[i]);
  }
  cache_.DropBack(dropped);
}

void GroupLog::DropCacheFront(size_t n) {
  for (size_t i = 0; i < n; ++i) cached_bytes_ -= PayloadSize(cache_[i]);
  cache_.DropFront(n);
}

}  // namespace storage
