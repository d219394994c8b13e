// Room: checking. Whether a batch can follow what the log says, before anything of it is written:
// the groups' drafts (group_log.h) are what they would be after it. Changes nothing else.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "raftpb/wire.h"
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
    group->Prefetch();
    if (change.kind == Kind::kAppend) __builtin_prefetch(&change.entries.front());
    checked_.emplace_back().group = group;
    ++likely;
  }
}

// What the group will be after the changes so far.
GroupLog::Draft& LogStore::Impl::DraftOf(GroupLog& group) {
  if (group.draft.batch != drafts_) {
    group.draft = {drafts_,           group.compacted().index, group.last_index(),
                   group.last_term(), group.last_index(),      group.hard_state().commit};
    touched_.push_back(&group);
  }
  return group.draft;
}

absl::Status LogStore::Impl::Check(const LogBatch& batch) {
  ++drafts_;
  touched_.clear();
  FindGroups(batch);
  for (size_t i = 0; i < batch.changes_.size(); ++i) {
    const Change& change = batch.changes_[i];
    Checked& checked = checked_[i];
    GroupLog::Draft& draft = DraftOf(*checked.group);
    absl::Status status;
    switch (change.kind) {
      case Kind::kAppend: status = CheckAppend(batch, i, checked); break;
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
  }
  for (const GroupLog* group : touched_) {
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
    const raft::Index first = change.entries.front().index;
    if (index >= first && index - first < change.entries.size()) {
      return change.entries[index - first].term;
    }
  }
  return index >= group.compacted().index && index <= draft.intact ? group.TermAt(index) : 0;
}

absl::Status LogStore::Impl::CheckAppend(const LogBatch& batch, size_t i, Checked& checked) {
  const raftpb::EntryList& entries = batch.changes_[i].entries;
  GroupLog::Draft& draft = checked.group->draft;
  const raft::Index first = entries.front().index;
  if (first == 0 || first > raft::kMaxIndex) {
    return absl::InvalidArgumentError(absl::StrCat("entry index ", first));
  }
  raft::Index index = first;
  raft::Term term = 0;
  for (const raftpb::Entry& entry : entries) {
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
    checked.terms += entry.term != term;
    term = entry.term;
    ++index;
  }
  checked.last = index - 1;
  if (checked.last <= draft.compacted) {
    checked.nothing = true;
    return absl::OkStatus();
  }
  checked.begin = first <= draft.compacted ? draft.compacted + 1 - first : 0;
  checked.payload_bytes = checked.begin == 0
                              ? entries.PayloadSize()
                              : entries.Slice(checked.begin, entries.size()).PayloadSize();
  const raft::Index before = first + checked.begin - 1;
  if (before > draft.last) {
    return absl::InvalidArgumentError(
        absl::StrCat("entry ", before + 1, " leaves a gap: the log ends at ", draft.last));
  }
  const raft::Term term_before = DraftTerm(batch, i, *checked.group, before);
  if (entries[checked.begin].term < term_before) {
    return absl::InvalidArgumentError(absl::StrCat("entry ", before + 1, " of term ",
                                                   entries[checked.begin].term,
                                                   " after one of term ", term_before));
  }
  draft.intact = std::min(draft.intact, before);
  draft.last = checked.last;
  draft.last_term = term;
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
  const raft::Index index = batch.changes_[i].index;
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

// Of a batch that has been checked.
uint64_t LogStore::Impl::MaxBytes(const LogBatch& batch) const {
  size_t items = batch.changes_.size() + 2 * staged_.size();
  size_t entries = 0;
  size_t other = 24 * items;
  for (size_t i = 0; i < batch.changes_.size(); ++i) {
    const Change& change = batch.changes_[i];
    entries += change.entries.size();
    items += checked_[i].terms;
    if (change.snapshot != nullptr) other += raftpb::Encode(*change.snapshot).size();
  }
  return encoder_.MaxBytes(entries, batch.payload_bytes_, items, other, options_.block_bytes);
}

}  // namespace storage
