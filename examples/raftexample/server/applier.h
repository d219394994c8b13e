// The thread that applies: committed entries go into the state machine, answers to those who wait.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_APPLIER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_APPLIER_H_

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "examples/raftexample/apply/state_machine.h"
#include "examples/raftexample/server/applied_waits.h"
#include "examples/raftexample/server/wait_table.h"
#include "raft/node.h"
#include "raftpb/conf_change.h"
#include "raftpb/conf_state.h"
#include "raftpb/entry.h"

namespace raftexample {

class Applier {
 public:
  // Called on the applier's thread.
  struct Callbacks {
    // Tells Raft that a change of membership is being applied (raft::Node::ApplyConfChange); its
    // answer is the new one.
    std::function<absl::StatusOr<raftpb::ConfState>(const raftpb::Entry&)> apply_conf_change;
    std::function<void(raft::ApplyWork)> on_applied;  // The work is done.
    std::function<void()> on_membership;              // The address book has changed.
    std::function<void()> on_over_quota;              // The store outgrew its quota.
    std::function<void()> on_sealed;                  // There is something to flush.
    // How long a command took.
    std::function<void(const internal::Command&, absl::Duration)> on_timed;
  };
  using Job = absl::AnyInvocable<void()>;

  // All of these outlive the applier.
  Applier(StateMachine* state, WaitTable* waits, AppliedWaits* applied_waits, Callbacks callbacks);
  ~Applier() { Stop(); }

  void Apply(raft::ApplyWork work);
  // Something else for this thread to do between two pieces of work, in the order of the calls.
  void Run(Job job);

  // Does what is queued, and ends the thread. What comes after is dropped.
  void Stop();

  // Entries handed over and not yet applied.
  size_t backlog() const;

 private:
  struct Task {
    raft::ApplyWork work;
    Job job;  // Instead of work, if it is not null.
  };

  void Loop();
  bool Next(Task& task);
  bool ApplyWork(raft::ApplyWork& work);
  void ApplyNormal(const raftpb::Entry& entry);
  absl::Status ApplyChange(const raftpb::Entry& entry);
  void SealNowAndThen();
  bool Stopping() const;

  StateMachine* const state_;
  WaitTable* const waits_;
  AppliedWaits* const applied_waits_;
  const Callbacks callbacks_;
  absl::Time last_seal_;  // This thread only.

  mutable absl::Mutex mutex_;
  absl::CondVar wake_;
  std::deque<Task> queue_ ABSL_GUARDED_BY(mutex_);
  size_t backlog_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_APPLIER_H_
