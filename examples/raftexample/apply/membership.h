// Who belongs to the cluster, and where they are reached.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_APPLY_MEMBERSHIP_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_APPLY_MEMBERSHIP_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "examples/raftexample/backend/backend.h"
#include "examples/raftexample/proto/internal.pb.h"
#include "examples/raftexample/proto/rpc.pb.h"

namespace raftexample {

// The address book. Who votes is Raft's to know; what is here follows the same entries of the log.
// Replicated and stored. One thread changes it; any thread may look.
class Membership {
 public:
  explicit Membership(Backend* backend) : backend_(backend) {}
  // Reads what the backend has committed; also after a snapshot was installed.
  absl::Status Reload();

  // Whether the change fits the members there are: kMemberExists, kMemberNotFound, kPeerUrlExists,
  // kNotLearner, kTooManyLearners, kMemberBadUrls. Asked before proposing, and again when applying,
  // where a change that no longer fits must not reach Raft either.
  absl::Status Check(const internal::MemberChange& change) const;
  // Carries out a change that passed Check().
  void Apply(const internal::MemberChange& change);
  // A member says who it is. Ignored if it is not (or no longer) a member.
  void Apply(const internal::MemberAttributes& attributes);
  void Apply(const internal::ClusterVersion& version);
  void Apply(const etcdserverpb::DowngradeInfo& downgrade);

  // By ID.
  std::vector<etcdserverpb::Member> Members() const;
  absl::optional<etcdserverpb::Member> Find(uint64_t id) const;
  // An ID that was a member once and can never be again.
  bool IsRemoved(uint64_t id) const;
  // Empty until the first was agreed on.
  std::string cluster_version() const;
  etcdserverpb::DowngradeInfo downgrade() const;

  static constexpr int kMaxLearners = 1;

 private:
  void Store(const etcdserverpb::Member& member) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Backend* const backend_;
  mutable absl::Mutex mutex_;
  std::map<uint64_t, etcdserverpb::Member> members_ ABSL_GUARDED_BY(mutex_);
  std::set<uint64_t> removed_ ABSL_GUARDED_BY(mutex_);
  std::string cluster_version_ ABSL_GUARDED_BY(mutex_);
  etcdserverpb::DowngradeInfo downgrade_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_APPLY_MEMBERSHIP_H_
