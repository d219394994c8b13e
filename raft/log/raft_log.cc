#include "raft/log/raft_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/check.h"
#include "raft/errors.h"
#include "raftpb/entry.h"

namespace raft::log {
namespace {

// A page when reading through the log.
constexpr uint64_t kScanBytes = 1 << 20;

}  // namespace

RaftLog::RaftLog(const Storage* storage, Logger* logger, uint64_t max_applying_size)
    : storage_(storage),
      unstable_(storage->LastIndex() + 1, logger),
      conf_changes_(storage->LastIndex() + 1),
      max_applying_size_(max_applying_size),
      logger_(logger) {
  RAFT_CHECK(max_applying_size > 0) << "nothing could be applied";
  const Index last = storage->LastIndex();
  const absl::StatusOr<Term> term = storage->TermAt(last);
  RAFT_CHECK(term.ok()) << "the term of the last entry " << last << ": " << term.status();
  last_ = {*term, last};
  last_term_begin_ = last;
  committed_ = applying_ = applied_ = storage->FirstIndex() - 1;
}

// --- Looking -------------------------------------------------------------------------------------

Index RaftLog::FirstIndex() const {
  const absl::optional<Index> first = unstable_.FirstIndex();
  return first.has_value() ? *first : storage_->FirstIndex();
}

absl::StatusOr<Term> RaftLog::TermAt(Index index) const {
  if (const absl::optional<Term> term = KnownTermAt(index); term.has_value()) return *term;
  if (index > last_.index) return Unavailable();
  if (index + 1 < FirstIndex()) return Compacted();
  return storage_->TermAt(index);  // Failed already; now for the reason.
}

Term RaftLog::TermOrZero(Index index) const { return KnownTermAt(index).value_or(0); }

absl::optional<Term> RaftLog::KnownTermBeforeLast(Index index) const {
  if (const absl::optional<Term> term = unstable_.TermAt(index); term.has_value()) return term;
  if (index > last_.index || index + 1 < FirstIndex()) return absl::nullopt;
  if (index >= last_term_begin_) return last_.term;
  const absl::StatusOr<Term> term = storage_->TermAt(index);
  return term.ok() ? absl::make_optional(*term) : absl::nullopt;
}

// Terms never fall along a log, so a binary search finds in a few steps what a walk would.
RaftLog::Meeting RaftLog::FindMeeting(Index index, Term term) const {
  const auto can_meet = [this, term](Index at) {
    const absl::optional<Term> known = KnownTermAt(at);
    return !known.has_value() || *known <= term;
  };
  index = std::min(index, last_.index);
  if (!can_meet(index)) {
    Index too_new = std::exchange(index, 0);
    while (too_new - index > 1) {
      const Index middle = index + (too_new - index) / 2;
      (can_meet(middle) ? index : too_new) = middle;
    }
  }
  return {index, index == 0 ? Term{0} : KnownTermAt(index)};
}

absl::StatusOr<raftpb::EntryList> RaftLog::Slice(IndexRange range, uint64_t max_size) const {
  if (range.empty()) return raftpb::EntryList();
  if (range.end > last_.index + 1) return Unavailable();
  const Index offset = unstable_.offset();
  if (range.begin >= offset) {
    return unstable_.SliceWithin(range, max_size);
  }

  if (range.begin < FirstIndex()) return Compacted();
  const IndexRange stored{range.begin, std::min(range.end, offset)};
  absl::StatusOr<raftpb::EntryList> entries = storage_->Entries(stored, max_size);
  const bool all_stored = range.end <= offset;
  if (!entries.ok() || all_stored) return entries;
  if (entries->size() < stored.end - stored.begin) return entries;  // The limit was met already.
  const uint64_t size = entries->EncodedSize();
  if (size >= max_size) return entries;
  const raftpb::EntryList& rest = unstable_.entries();
  entries->Append(rest.Slice(0, rest.CountWithin(0, range.end - offset, max_size - size)));
  return entries;
}

absl::StatusOr<raftpb::SnapshotPtr> RaftLog::Snapshot() const {
  if (unstable_.snapshot() != nullptr) return unstable_.snapshot();
  return storage_->Snapshot();
}

bool RaftLog::MayHaveStoredConfChangeIn(IndexRange range) const {
  const Index end = std::min(range.end, conf_changes_.complete_from());
  while (range.begin < end) {
    const absl::StatusOr<raftpb::EntryList> page = Slice({range.begin, end}, kScanBytes);
    if (!page.ok()) return true;
    if (std::any_of(page->begin(), page->end(), raftpb::IsConfChange)) return true;
    range.begin = page->back().index + 1;
  }
  return false;
}

// --- Appending -----------------------------------------------------------------------------------

void RaftLog::PushBack(raftpb::Entry entry) {
  const EntryId id = entry.id();
  conf_changes_.Note(entry);
  unstable_.PushBack(std::move(entry));
  if (id.term != last_.term) last_term_begin_ = id.index;
  last_ = id;
}

absl::StatusOr<Index> RaftLog::AppendAfter(EntryId prev, const raftpb::EntryList& entries) {
  const Index last_new = prev.index + entries.size();
  size_t known = 0;
  if (prev != last_) {  // Else all are new.
    for (auto entry = entries.begin(); entry != entries.end() && Matches(entry->id()); ++entry) {
      ++known;
    }
  }
  if (known == entries.size()) return last_new;

  const EntryId first_new = entries[known].id();
  if (first_new.index <= last_.index) {
    RAFT_LOG(logger_, kInfo, "found conflict at index ", first_new.index,
             " [existing term: ", TermOrZero(first_new.index),
             ", conflicting term: ", first_new.term, "]");
  }
  if (first_new.index <= committed_) {
    return PromiseBroken(absl::StrCat("entry ", first_new.index, " of term ", first_new.term,
                                      " conflicts with one of term ", TermOrZero(first_new.index),
                                      " that is committed, as all are up to ", committed_));
  }
  TruncateAndAppend(known == 0 ? entries : entries.Slice(known, entries.size()));
  return last_new;
}

void RaftLog::TruncateAndAppend(const raftpb::EntryList& entries) {
  const EntryId first = entries.front().id();
  const bool continues = first.term == last_.term && first.index > last_term_begin_;
  unstable_.TruncateAndAppend(entries);
  conf_changes_.TruncateFrom(first.index);
  for (const raftpb::Entry& entry : entries) conf_changes_.Note(entry);
  last_ = entries.back().id();
  if (continues && last_.term == first.term) return;
  const auto is_of_last_term = [this](const raftpb::Entry& e) { return e.term == last_.term; };
  last_term_begin_ = std::find_if(entries.begin(), entries.end(), is_of_last_term)->index;
}

void RaftLog::Restore(raftpb::SnapshotPtr snapshot) {
  const EntryId id = snapshot->metadata.id();
  RAFT_CHECK(id.index >= committed_)
      << "snapshot " << id.index << " is older than the commit index " << committed_;
  RAFT_LOG(logger_, kInfo, "log [", Describe(), "] starts to restore snapshot [index: ", id.index,
           ", term: ", id.term, "]");
  unstable_.Restore(std::move(snapshot));
  conf_changes_.TruncateFrom(0);
  conf_changes_.ForgetUpTo(id.index);
  last_ = id;
  last_term_begin_ = id.index;
  committed_ = id.index;
}

// --- Commit --------------------------------------------------------------------------------------

bool RaftLog::MaybeCommit(EntryId id) {
  if (id.index <= committed_ || id.term == 0 || !Matches(id)) return false;
  CommitTo(id.index);
  return true;
}

// --- Applying ------------------------------------------------------------------------------------

absl::StatusOr<raftpb::EntryList> RaftLog::NextCommitted(bool allow_unstable) const {
  if (!HasNextCommitted(allow_unstable)) return raftpb::EntryList();
  RAFT_CHECK(applying_size_ < max_applying_size_) << "too much is handed out, but not paused";
  return Slice({applying_ + 1, MaxAppliable(allow_unstable) + 1},
               max_applying_size_ - applying_size_);
}

void RaftLog::AcceptApplying(Index last, uint64_t size, bool allow_unstable) {
  RAFT_CHECK(applying_ < last && last <= committed_)
      << last << " was handed out, but " << applying_ << " was before, and the commit index is "
      << committed_;
  applying_ = last;
  applying_size_ += size;
  // A batch that was cut short would be followed by single entries, one each time a little is
  // confirmed; waiting until there is room again makes larger batches.
  applying_paused_ = applying_size_ >= max_applying_size_ || last < MaxAppliable(allow_unstable);
}

void RaftLog::AppliedTo(Index index, uint64_t size) {
  RAFT_CHECK(index <= committed_) << index << " is applied, but the commit index is " << committed_;
  applied_ = std::max(applied_, index);
  conf_changes_.ForgetUpTo(applied_);
  applying_ = std::max(applying_, applied_);
  applying_size_ -= std::min(size, applying_size_);
  applying_paused_ = applying_size_ >= max_applying_size_;
}

void RaftLog::StartAppliedAt(Index index) {
  RAFT_CHECK(applied_ <= index && index <= committed_)
      << "the state machine is at " << index << ", but the log has applied " << applied_
      << " and committed " << committed_;
  applied_ = applying_ = index;
}

std::string RaftLog::Describe() const {
  return absl::StrCat("committed=", committed_, ", applied=", applied_, ", applying=", applying_,
                      ", unstable.offset=", unstable_.offset(),
                      ", unstable.offsetInProgress=", unstable_.in_progress(),
                      ", len(unstable.Entries)=", unstable_.entries().size());
}

}  // namespace raft::log
