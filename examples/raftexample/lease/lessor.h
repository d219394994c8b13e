// Leases: promises of clients to come back, and the keys that go when they do not.
//
// Which leases there are, their length and their keys is replicated: the same on every member, and
// stored. When a lease ends is not: one member, the primary (the leader), keeps the times, and an
// expiry that it sees becomes a revocation in the log. No clock is read here; every caller brings
// the time, of a clock that never goes back.
//
// Threads: one thread is the writer (Grant, Revoke, Checkpoint, SetLease, Reload). Everything else
// any thread, any time.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_LEASE_LESSOR_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_LEASE_LESSOR_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "examples/raftexample/backend/backend.h"
#include "examples/raftexample/lease/expiry_queue.h"
#include "examples/raftexample/mvcc/key_leases.h"
#include "examples/raftexample/proto/rpc.pb.h"

namespace raftexample {

class Lessor : public KeyLeases {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Seconds = std::chrono::seconds;

  struct Options {
    // A shorter TTL is raised to it: 1.5 election timeouts, rounded up to seconds.
    Seconds min_ttl{2};
    // More are refused: each costs memory on every member. Decides what a command does, so it is
    // the same on all members, and no flag.
    size_t max_leases = 1'000'000;
    // How long an expired lease waits for its revocation before it is reported again.
    Seconds retry_revoke{3};
    // How often the remaining time of a lease longer than that is told to the other members.
    Seconds checkpoint_interval{300};
  };

  // Reads the leases, not yet their keys: those the key space tells at its own opening. The backend
  // must outlive the lessor.
  static absl::StatusOr<std::unique_ptr<Lessor>> Open(Backend* backend, Options options);

  // --- Proposing ---------------------------------------------------------------------------------

  // What a grant is refused for whatever the state: kLeaseTtlTooLarge, over 9,000,000,000 s.
  static absl::Status CheckGrant(const etcdserverpb::LeaseGrantRequest& request);
  // The TTL that a granted lease will have.
  int64_t RaisedTtl(int64_t ttl) const;

  // --- Applying ----------------------------------------------------------------------------------

  // kLeaseExists, kTooManyLeases. The TTL must have been raised. On the primary the lease begins
  // with the first Renew, Expired, TimeToLive or List that brings the time.
  absl::Status Grant(int64_t id, int64_t ttl);
  // The lease is gone, its keys no longer have one; returns them in order: they must now be
  // deleted.
  absl::StatusOr<std::vector<std::string>> Revoke(int64_t id);
  // What is left, as the primary saw it. Unknown leases are ignored.
  void Checkpoint(const etcdserverpb::LeaseCheckpointRequest& request);

  bool Exists(int64_t lease) const override;
  void SetLease(absl::string_view key, int64_t lease) override;

  // The backend has installed a snapshot: starts over from it, without keys.
  absl::Status Reload();

  // --- Reading -----------------------------------------------------------------------------------

  // In order; empty for an unknown lease.
  std::vector<std::string> Keys(int64_t id) const;
  int64_t LeaseOf(absl::string_view key) const;
  size_t size() const;

  // --- The primary -------------------------------------------------------------------------------

  // This member leads: every lease begins anew with what its last checkpoint left, or in full, and
  // `extra` on top (an election timeout, in which clients could not reach anyone).
  void Promote(Time now, std::chrono::milliseconds extra);
  void Demote();
  bool primary() const;

  struct Renewed {
    int64_t ttl = 0;
    // The other members know of a checkpoint that is no longer true. A checkpoint of 0 must be
    // applied before the client hears of the renewal: a new primary would end the lease too early.
    bool must_clear_checkpoint = false;
  };
  // The lease begins anew. kLeaseNotFound, also for a lease that has expired and waits for its
  // revocation; kNotLeader when not primary.
  absl::StatusOr<Renewed> Renew(int64_t id, Time now);

  struct Remaining {
    int64_t ttl = -1;  // Whole seconds, rounded down; -1 when unknown or expired.
    int64_t granted_ttl = 0;
  };
  // kNotLeader when not primary.
  absl::StatusOr<Remaining> TimeToLive(int64_t id, Time now);
  // By remaining time where it is known (the primary), then by ID.
  std::vector<int64_t> List() const;

  // At most `max` leases that have expired and should be revoked through the log, earliest first.
  // Each is reported again after retry_revoke, until it is revoked. Empty when not primary.
  std::vector<int64_t> Expired(Time now, size_t max);
  // What to propose so that the next primary does not start long leases afresh. Empty mostly.
  etcdserverpb::LeaseCheckpointRequest DueCheckpoints(Time now, size_t max);

 private:
  struct Lease {
    int64_t ttl = 0;
    int64_t remaining_ttl = 0;  // Of the last checkpoint; 0 is none.
    std::set<std::string, std::less<>> keys;
    Time expiry = Time::max();  // Time::max() unless primary and begun.
  };

  Lessor(Backend* backend, Options options) : backend_(backend), options_(options) {}
  void Save(int64_t id, const Lease& lease) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Begin(int64_t id, Lease& lease, Time now, Time::duration length)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Detach(absl::string_view key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BeginNew(Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Backend* const backend_;
  const Options options_;

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<int64_t, Lease> leases_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, int64_t> lease_of_key_ ABSL_GUARDED_BY(mutex_);

  bool primary_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<int64_t> granted_ ABSL_GUARDED_BY(mutex_);  // Not begun yet.
  ExpiryQueue expiries_ ABSL_GUARDED_BY(mutex_);
  ExpiryQueue checkpoints_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_LEASE_LESSOR_H_
