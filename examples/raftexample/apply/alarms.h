// Alarms: what is wrong with some member, agreed on by all, until somebody disarms it.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_APPLY_ALARMS_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_APPLY_ALARMS_H_

#include <atomic>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "examples/raftexample/backend/backend.h"
#include "examples/raftexample/proto/rpc.pb.h"

namespace raftexample {

// Replicated and stored. One thread changes it; any thread may look.
class Alarms {
 public:
  explicit Alarms(Backend* backend) : backend_(backend) {}
  // Reads what the backend has committed; also after a snapshot was installed.
  absl::Status Reload();

  // GET lists, all or those of a member or kind. ACTIVATE and DEACTIVATE answer the alarm they
  // changed; deactivating what is not active answers nothing, activating twice the alarm.
  etcdserverpb::AlarmResponse Apply(const etcdserverpb::AlarmRequest& request);

  // By member, then kind.
  std::vector<etcdserverpb::AlarmMember> Active() const;
  bool IsActive(etcdserverpb::AlarmType kind) const;

 private:
  using Alarm = std::pair<uint64_t, etcdserverpb::AlarmType>;  // Member, kind.

  void CountKinds() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Backend* const backend_;
  mutable absl::Mutex mutex_;
  std::set<Alarm> active_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint32_t> kinds_{0};  // A bit for each kind: asked for every command.
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_APPLY_ALARMS_H_
