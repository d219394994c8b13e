// The replicated state machine: commands from the log in, state and answers out.
//
// Deterministic: two members that have applied the same entries hold the same state (StateHash) and
// would give the same answers. What differs between members (time, sizes, who watches) never
// decides what a command does.
//
// Threads: one thread applies (Apply..., Install, and the backend's Seal between entries). The
// parts say which of their calls any thread may make; a server has at least these jobs:
//
//   the applying thread   Apply for each committed entry; now and then backend().Seal()
//   a flushing thread     backend().Flush(); store().CompactSome() while it returns true
//   a watch thread        watches().SyncSome() when watches() asks for it
//   the leader's clock    leases().Expired() and DueCheckpoints(), proposed as commands
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_APPLY_STATE_MACHINE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_APPLY_STATE_MACHINE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "examples/raftexample/apply/alarms.h"
#include "examples/raftexample/apply/membership.h"
#include "examples/raftexample/apply/quota.h"
#include "examples/raftexample/auth/auth_store.h"
#include "examples/raftexample/backend/backend.h"
#include "examples/raftexample/lease/lessor.h"
#include "examples/raftexample/mvcc/store.h"
#include "examples/raftexample/proto/internal.pb.h"
#include "examples/raftexample/proto/rpc.pb.h"
#include "examples/raftexample/watch/watch_hub.h"
#include "raftpb/conf_state.h"
#include "raftpb/ids.h"

namespace raftexample {

// Whether somebody waits here for the answer. If not, none is made: no read of a transaction is
// carried out, no previous value fetched. The state is the same either way.
enum class Answer { kNobodyWaits, kWanted };

struct ApplyResult {
  // Of the command's header, or of the member change.
  uint64_t request_id = 0;
  // Why the command changed nothing; the text is the client's answer.
  absl::Status status;
  // After the entry. For the headers of responses, here and in `response`, where only the IDs and
  // the term are left to fill in.
  int64_t revision = 0;
  // For commands whose answer is more than a header.
  std::variant<std::monostate, etcdserverpb::PutResponse, etcdserverpb::DeleteRangeResponse,
               etcdserverpb::TxnResponse, etcdserverpb::LeaseGrantResponse,
               etcdserverpb::AlarmResponse, etcdserverpb::AuthenticateResponse>
      response;
  // The entry had been applied before a restart: nothing was done, and nobody can be waiting.
  bool skipped = false;
  // The store outgrew the quota: the NOSPACE alarm should be proposed, unless it is active.
  bool over_quota = false;
};

class StateMachine {
 public:
  struct Options {
    Backend::Options backend;
    Lessor::Options lessor;
    WatchHub::Options watch;
    AuthStore::Options auth;
    // --quota-backend-bytes: 0 is the default, negative none.
    int64_t quota_bytes = 0;
  };

  // Everything as of the entry that the backend has committed last. Errors: those of the backend.
  static absl::StatusOr<std::unique_ptr<StateMachine>> Open(Options options);

  // --- The log -----------------------------------------------------------------------------------

  // The last entry whose effects are here. After opening, the log must be applied from the next one
  // on; entries at or before it are skipped, so beginning too early is harmless, too late is not.
  raftpb::EntryId applied() const { return applied_; }
  // As of the last applied entry that changed it.
  const raftpb::ConfState& conf_state() const { return conf_state_; }
  // The index of applied(), for any thread.
  raftpb::Index applied_index() const { return applied_index_.load(std::memory_order_acquire); }

  ApplyResult Apply(raftpb::EntryId id, const internal::Command& command,
                    Answer answer = Answer::kWanted);
  // The payload of a normal entry. Empty is the first entry of a leader and does nothing; bytes
  // that are no command do nothing on any member, and say so (InvalidArgument).
  ApplyResult Apply(raftpb::EntryId id, const absl::Cord& payload, Answer answer = Answer::kWanted);

  // Entries that change the membership. First CheckMemberChange: unless it is OK, the server must
  // tell Raft that the change is void, and pass what Raft then has as `after`; all the same,
  // ApplyMemberChange must be called, with the status, so that the entry counts as applied.
  absl::Status CheckMemberChange(const internal::MemberChange& change) const;
  ApplyResult ApplyMemberChange(raftpb::EntryId id, const internal::MemberChange& change,
                                const absl::Status& checked, const raftpb::ConfState& after);
  // An entry that changes only what Raft knows (leaving a joint configuration).
  ApplyResult ApplyConfState(raftpb::EntryId id, const raftpb::ConfState& after);

  // --- Snapshots ---------------------------------------------------------------------------------

  // A copy to send or to save, as of the entry it names: at least the entry that was applied when
  // the last backend().Flush() finished. Any thread.
  absl::StatusOr<std::unique_ptr<SnapshotFile>> Snapshot() const { return backend_->Snapshot(); }
  // Replaces all state by a received copy. Watches go on where they were; leases that were primary
  // here no longer are. When it fails before anything was replaced, nothing has changed; a failure
  // after that (DataLoss) is the end of this state machine.
  absl::Status Install(std::unique_ptr<SnapshotReceiver> received);

  // --- The parts ---------------------------------------------------------------------------------

  Backend& backend() { return *backend_; }
  Store& store() { return *store_; }
  const Store& store() const { return *store_; }
  Lessor& leases() { return *lessor_; }
  WatchHub& watches() { return *watches_; }
  AuthStore& auth() { return *auth_; }
  const Alarms& alarms() const { return *alarms_; }
  const Membership& membership() const { return *membership_; }
  const Quota& quota() const { return *quota_; }

  // Of all replicated state: equal on all members that have applied the same entries. For tests and
  // for comparing members: flushes, then reads everything. On the applying thread.
  absl::StatusOr<uint64_t> StateHash();

 private:
  StateMachine() = default;

  // True if the entry is new, and now the one being applied.
  bool Begin(raftpb::EntryId id);
  void End(raftpb::EntryId id);

  // What forbids the command whatever it says: alarms, then permissions.
  absl::Status Admit(const internal::Command& command) const;
  void Dispatch(const internal::Command& command, raftpb::EntryId id, Answer answer,
                ApplyResult& result);

  void ApplyPut(const etcdserverpb::PutRequest& request, Answer answer, ApplyResult& result);
  void ApplyDeleteRange(const etcdserverpb::DeleteRangeRequest& request, Answer answer,
                        ApplyResult& result);
  void ApplyTxn(const etcdserverpb::TxnRequest& request, Answer answer, ApplyResult& result);
  void ApplyLeaseGrant(const etcdserverpb::LeaseGrantRequest& request, ApplyResult& result);
  void ApplyLeaseRevoke(const etcdserverpb::LeaseRevokeRequest& request, ApplyResult& result);
  absl::Status LoadPosition();
  void ApplyAuth(const internal::Command& command, raftpb::EntryId id, ApplyResult& result);
  // Makes a transaction's changes visible, first to readers and then to watches.
  void Publish(Store::Write& write);

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Lessor> lessor_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<AuthStore> auth_;
  std::unique_ptr<Alarms> alarms_;
  std::unique_ptr<Membership> membership_;
  std::unique_ptr<Quota> quota_;
  std::unique_ptr<WatchHub> watches_;

  raftpb::EntryId applied_;
  std::atomic<raftpb::Index> applied_index_{0};
  raftpb::ConfState conf_state_;
  internal::Command decoded_;  // Kept for its memory.
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_APPLY_STATE_MACHINE_H_
