// The log of one server: what storage holds, what is on its way there, and how far it is
// committed and applied.
#ifndef RAFT_RAFT_LOG_RAFT_LOG_H_
#define RAFT_RAFT_LOG_RAFT_LOG_H_

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "raft/check.h"
#include "raft/log/conf_change_index.h"
#include "raft/log/unstable.h"
#include "raft/logger.h"
#include "raft/storage.h"
#include "raft/types.h"
#include "raftpb/entry_list.h"
#include "raftpb/snapshot.h"

namespace raft::log {

// Knows nothing of roles. Invariant: applied <= applying <= committed <= last index, and
// first index - 1 <= committed.
class RaftLog {
 public:
  // Starts with what the storage holds, committed and applied up to its snapshot position. The
  // storage must be able to tell the term of its last entry. `max_applying_size` bounds the
  // EncodedSize of entries handed out for application and not yet applied. Not 0.
  RaftLog(const Storage* storage, Logger* logger, uint64_t max_applying_size);

  // --- Looking ---

  Index FirstIndex() const;  // The first entry whose contents are known.
  Index LastIndex() const { return last_.index; }
  EntryId LastId() const { return last_; }        // Position of the last entry. Constant time.
  Index committed() const { return committed_; }  // Never decreases (§3.6.3).
  Index applying() const { return applying_; }    // Handed out for application.
  Index applied() const { return applied_; }      // Confirmed by the application.
  const Unstable& unstable() const { return unstable_; }

  // The term at an index of [FirstIndex()-1, LastIndex()]; IsCompacted or IsUnavailable outside.
  absl::StatusOr<Term> TermAt(Index index) const;
  // The same for log lines: 0 if unknown.
  Term TermOrZero(Index index) const;
  // Whether the entry at id.index is known to have id.term (Log Matching, §3.5).
  bool Matches(EntryId id) const { return KnownTermAt(id.index) == id.term; }
  // The term at an index where it is known.
  absl::optional<Term> KnownTermAt(Index index) const {
    return index == last_.index ? absl::make_optional(last_.term) : KnownTermBeforeLast(index);
  }
  // The largest index <= `index` whose term is <= `term`, with its term, or with nothing if the
  // term there is unknown. Where a follower's log can at best meet a leader's.
  struct Meeting {
    Index index;
    absl::optional<Term> term;
  };
  Meeting FindMeeting(Index index, Term term) const;

  // Entries from `from` on (none if from is behind the end), at least one, within max_size of
  // EncodedSize. IsCompacted if the first is gone.
  absl::StatusOr<raftpb::EntryList> EntriesFrom(Index from, uint64_t max_size) const {
    if (from > last_.index) return raftpb::EntryList();
    return Slice({from, last_.index + 1}, max_size);
  }
  absl::StatusOr<raftpb::EntryList> Slice(IndexRange range, uint64_t max_size) const;
  // A snapshot to send: the one being restored, else the storage's.
  absl::StatusOr<raftpb::SnapshotPtr> Snapshot() const;

  // Whether a membership change stands in the range, which must lie within what is not applied
  // yet. Reads only what storage held before this life, and only while that is unapplied. If it
  // cannot be read the answer is yes: the careful one.
  bool HasConfChangeIn(IndexRange range) const {
    return conf_changes_.AnyIn(range) ||
           (range.begin < conf_changes_.complete_from() && MayHaveStoredConfChangeIn(range));
  }

  // --- Appending ---

  // A leader's own entry (§3.5): goes behind the last one.
  void PushBack(raftpb::Entry entry);
  // A follower takes entries that follow `prev`, which must match (Matches(prev)). What it has
  // already stays, also beyond them; from the first conflict on its log is replaced. The index
  // of the last new entry. An error (IsPromiseBroken) if the conflict is with a committed entry.
  absl::StatusOr<Index> AppendAfter(EntryId prev, const raftpb::EntryList& entries);
  // Replaces the whole log by a snapshot, and commits up to it.
  void Restore(raftpb::SnapshotPtr snapshot);

  // --- Commit ---

  void CommitTo(Index to) {        // Requires to <= LastIndex().
    if (to <= committed_) return;  // Stale news, not an error.
    RAFT_CHECK(to <= last_.index) << "commit " << to << " is past the last entry " << last_.index;
    committed_ = to;
  }
  // Commits up to `id` if that is progress and the entry is of id.term (§3.6.2). Whether it was.
  bool MaybeCommit(EntryId id);

  // --- Storing ---

  // Entries or a snapshot that were not handed out for storing.
  bool HasNextUnstable() const { return unstable_.HasNext(); }
  raftpb::EntryList NextUnstableEntries() const { return unstable_.NextEntries(); }
  raftpb::SnapshotPtr NextUnstableSnapshot() const { return unstable_.NextSnapshot(); }
  bool HasUnstableEntries() const { return !unstable_.entries().empty(); }  // Handed out or not.
  bool HasUnstableSnapshot() const { return unstable_.snapshot() != nullptr; }  // Likewise.
  void AcceptUnstable() { unstable_.AcceptInProgress(); }
  void StableTo(EntryId id) { unstable_.StableTo(id); }
  void ReleaseMemory() { unstable_.ReleaseMemory(); }  // That is kept for entries to come.
  void StableSnapshotTo(Index index) { unstable_.StableSnapshotTo(index); }

  // --- Applying ---

  // Whether committed entries can be handed out. With allow_unstable also such as are not stored
  // yet (the caller stores them first). None while a snapshot waits to be stored, nor while too
  // much is handed out already.
  bool HasNextCommitted(bool allow_unstable) const {
    return !applying_paused_ && !HasUnstableSnapshot() && applying_ < MaxAppliable(allow_unstable);
  }
  absl::StatusOr<raftpb::EntryList> NextCommitted(bool allow_unstable) const;
  // The entries up to `last`, as NextCommitted gave them, were handed out: `size` bytes of
  // EncodedSize.
  void AcceptApplying(Index last, uint64_t size, bool allow_unstable);
  // The application confirms up to `index`, which frees `size` bytes (EncodedSize of the entries).
  void AppliedTo(Index index, uint64_t size);
  // At start: the state machine is already there. Requires index within [applied, committed].
  void StartAppliedAt(Index index);

  std::string Describe() const;  // `committed=1, applied=1, applying=1, unstable.offset=2, ..`

 private:
  absl::optional<Term> KnownTermBeforeLast(Index index) const;
  bool MayHaveStoredConfChangeIn(IndexRange range) const;
  void TruncateAndAppend(const raftpb::EntryList& entries);
  Index MaxAppliable(bool allow_unstable) const {
    return allow_unstable ? committed_ : std::min(committed_, unstable_.offset() - 1);
  }

  const Storage* storage_;
  Unstable unstable_;
  ConfChangeIndex conf_changes_;
  EntryId last_;  // The last entry, kept so that elections and appends need not ask.
  // All entries from here on are of last_.term: what a leader appends, commits and hands out lies
  // there, and needs no question to the storage.
  Index last_term_begin_ = 0;
  Index committed_ = 0;
  Index applying_ = 0;
  Index applied_ = 0;
  uint64_t max_applying_size_;
  uint64_t applying_size_ = 0;    // Handed out and not confirmed.
  bool applying_paused_ = false;  // Enough is handed out; ends when the application confirms.
  Logger* logger_;
};

}  // namespace raft::log

#endif  // RAFT_RAFT_LOG_RAFT_LOG_H_
