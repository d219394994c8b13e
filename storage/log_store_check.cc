// Room: checking. Whether a batch can follow what the log says, before anything of it is written:
// the groups' drafts (group_log.h) are what they would be after it. Changes nothing else.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/log_store_impl.h"

namespace storage {

absl::Status LogStore::Impl::CheckWritable() const {
  if (!error_.ok()) return error_;
  if (closed_) return absl::FailedPreconditionError(absl::StrCat(directory_, ": it was closed"));
  return absl::OkStatus();
}

// Finds the groups of all changes, mostly without a search: batches tend to go through them in
// order. Their memory comes while the others are looked for.
void LogStore::Impl::FindGroups(const LogBatch& batch) {
  checked_.clear();
  checked_.resize(batch.changes_.size());
  Checked* checked = checked_.data();
  GroupMap::iterator likely = groups_.begin();
  for (const Change& change : batch.changes_) {
    if (likely == groups_.end() || likely->first != change.group) {
      likely = groups_.find(change.group);
    }
    if (likely == groups_.end()) {
      absl::MutexLock lock(&mutex_);
      GroupIn(groups_, change.group);
      likely = groups_.find(change.group);
    }
    GroupLog* const group = likely->second.get();
    group->PrefetchForCheck();
    (checked++)->group = group;
    ++likely;
  }
}

// What the group will be after the changes so far.
GroupLog::Draft& LogStore::Impl::DraftOf(GroupLog& group) {
  GroupLog::Draft& draft = group.draft;
  if (draft.batch == drafts_) return draft;
  draft.batch = drafts_;
  draft.compacted = group.compacted().index;
  draft.last = group.last_index();
  draft.last_term = group.last_term();
  draft.intact = draft.last;
  draft.commit = group.hard_state().commit;
  draft.snapshot = GroupLog::Draft::kNotLookedUp;
  return draft;
}

absl::Status LogStore::Impl::Check(const LogBatch& batch) {
  ++drafts_;
  commit_in_doubt_.clear();
  FindGroups(batch);
  for (size_t i = 0; i < batch.changes_.size(); ++i) {
    const Change& change = batch.changes_[i];
    Checked& checked = checked_[i];
    GroupLog::Draft& draft = DraftOf(*checked.group);
    const raft::Index last_before = draft.last;
    absl::Status status;
    switch (change.kind) {
      case Kind::kAppend:
        if (GoesOn(change, draft)) {  // Nearly always.
          draft.last = change.last_index;
          draft.last_term = change.last_term;
          continue;
        }
        status = CheckAppend(batch, i, checked);
        break;
      case Kind::kHardState: draft.commit = change.hard_state.commit; break;
      case Kind::kMarkSnapshot: CheckMark(change, checked); break;
      case Kind::kRestoreSnapshot:
        draft.commit = std::max(draft.commit, change.snapshot->index);
        draft.snapshot = change.snapshot->index;
        draft.compacted = change.snapshot->index;
        draft.last = change.snapshot->index;
        draft.last_term = change.snapshot->term;
        draft.intact = 0;
        break;
      case Kind::kCompact: status = CheckCompact(batch, i, checked); break;
      case Kind::kForget: draft = {.batch = drafts_, .snapshot = 0}; break;
    }
    if (!status.ok()) return status;
    if (change.kind != Kind::kAppend || draft.last < last_before) {
      commit_in_doubt_.push_back(checked.group);
    }
  }
  for (const GroupLog* group : commit_in_doubt_) {
    if (group->draft.commit > group->draft.last) {
      return absl::InvalidArgumentError(absl::StrCat("commit index ", group->draft.commit,
                                                     " of a log that ends at ", group->draft.last));
    }
  }
  return absl::OkStatus();
}

// The term that the entry at `index` has once the changes before `before` have happened.
raft::Term LogStore::Impl::DraftTerm(const LogBatch& batch, size_t before, const GroupLog& group,
                                     raft::Index index) const {
  const GroupLog::Draft& draft = group.draft;
  if (index == draft.last) return draft.last_term;
  for (size_t i = before; i-- > 0;) {  // Rare: a batch that replaces its own entries.
    if (checked_[i].group != &group || index <= draft.intact) continue;
    const Change& change = batch.changes_[i];
    if (change.kind != Kind::kAppend || checked_[i].nothing) continue;
    if (index >= change.first.index && index <= change.last_index) {
      return change.entries[index - change.first.index].term;
    }
  }
  return index >= group.compacted().index && index <= draft.intact ? group.TermAt(index) : 0;
}

// Whether the entries make sense by themselves.
bool LogStore::Impl::AreSound(const Change& change) const {
  return change.is_sequence && change.first.index - 1 < raft::kMaxIndex &&
         change.last_term <= raft::kMaxTerm && change.largest_payload <= options_.max_entry_bytes;
}

// Whether they do, and begin where the log ends.
bool LogStore::Impl::GoesOn(const Change& change, const GroupLog::Draft& draft) const {
  return change.first.index == draft.last + 1 && change.first.term >= draft.last_term &&
         AreSound(change);
}

absl::Status LogStore::Impl::WhatIsWrong(const Change& change) const {
  if (change.first.index == 0 || change.first.index > raft::kMaxIndex) {
    return absl::InvalidArgumentError(absl::StrCat("entry index ", change.first.index));
  }
  raft::Index index = change.first.index;
  raft::Term term = 0;
  for (const raftpb::Entry& entry : change.entries) {
    if (entry.index != index || entry.term < term || entry.term > raft::kMaxTerm) {
      return absl::InvalidArgumentError(absl::StrCat("entry ", entry.index, " of term ", entry.term,
                                                     " where ", index, " of ", term,
                                                     " or later belongs"));
    }
    if (entry.data.size() > options_.max_entry_bytes) {
      return absl::InvalidArgumentError(absl::StrCat("entry ", index, " has ", entry.data.size(),
                                                     " bytes, more than the limit of ",
                                                     options_.max_entry_bytes));
    }
    term = entry.term;
    ++index;
  }
  return absl::InternalError("what was noted of entries does not fit them");
}

absl::Status LogStore::Impl::CheckAppend(const LogBatch& batch, size_t i, Checked& checked) {
  const Change& change = batch.changes_[i];
  if (!AreSound(change)) return WhatIsWrong(change);
  GroupLog::Draft& draft = checked.group->draft;
  if (change.last_index <= draft.compacted) {
    checked.nothing = true;
    return absl::OkStatus();
  }
  raft::EntryId begin = change.first;
  if (begin.index <= draft.compacted) {
    checked.begin = draft.compacted + 1 - begin.index;
    begin = change.entries[checked.begin].id();
  }
  const raft::Index before = begin.index - 1;
  if (before > draft.last) {
    return absl::InvalidArgumentError(
        absl::StrCat("entry ", begin.index, " leaves a gap: the log ends at ", draft.last));
  }
  const raft::Term term_before = DraftTerm(batch, i, *checked.group, before);
  if (begin.term < term_before) {
    return absl::InvalidArgumentError(absl::StrCat("entry ", begin.index, " of term ", begin.term,
                                                   " after one of term ", term_before));
  }
  draft.intact = std::min(draft.intact, before);
  draft.last = change.last_index;
  draft.last_term = change.last_term;
  return absl::OkStatus();
}

// Who took a snapshot while a newer one was stored has nothing to add: the log goes on from the
// newer one, and the file of the older may be gone.
void LogStore::Impl::CheckMark(const Change& change, Checked& checked) {
  GroupLog::Draft& draft = checked.group->draft;
  if (draft.snapshot == GroupLog::Draft::kNotLookedUp) {
    const auto& snapshot = checked.group->snapshot();
    draft.snapshot = snapshot == nullptr ? 0 : snapshot->index;
  }
  const raft::Index marked = change.snapshot->index;
  if (marked < std::max(draft.snapshot, draft.compacted)) {
    checked.nothing = true;
    return;
  }
  draft.snapshot = marked;
  draft.commit = std::max(draft.commit, marked);
}

absl::Status LogStore::Impl::CheckCompact(const LogBatch& batch, size_t i, Checked& checked) {
  const raft::Index index = batch.changes_[i].last_index;
  GroupLog::Draft& draft = checked.group->draft;
  if (index > draft.last) {
    return absl::InvalidArgumentError(
        absl::StrCat("compacting to ", index, " a log that ends at ", draft.last));
  }
  if (index <= draft.compacted) {
    checked.nothing = true;
    return absl::OkStatus();
  }
  checked.term = DraftTerm(batch, i, *checked.group, index);
  draft.compacted = index;
  return absl::OkStatus();
}

uint64_t LogStore::Impl::MaxBytes(const LogBatch& batch) const {
  const LogBatch::Sums& sums = batch.sums_;
  const size_t items = batch.changes_.size() + 2 * staged_.size();
  return encoder_.MaxBytes(sums.entries, sums.payload_bytes, items + sums.terms,
                           24 * items + sums.snapshot_bytes, options_.block_bytes);
}

}  // namespace storage
