// A place in a line of keys: what locks and elections are made of.
//
// Everybody who waits has a key of their own under a common prefix, named after their lease, and
// whoever's key is the oldest has the turn. So the line is in the store, is served in the order of
// arrival, survives any member, and a place is lost with its lease. The keys are those of etcd's
// clients, who wait in the same lines. Each place watches only the one before it: a turn that ends
// wakes one waiter, not all.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_PLACE_IN_LINE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_PLACE_IN_LINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "examples/raftexample/api/deletion_wait.h"
#include "examples/raftexample/proto/internal.pb.h"
#include "examples/raftexample/proto/rpc.pb.h"
#include "examples/raftexample/server/server.h"

namespace raftexample {

// What has the turn.
struct Turn {
  std::string key;
  int64_t create_revision = 0;  // Of the key: while both are, nobody else has the turn.
  int64_t lease = 0;
  int64_t revision = 0;  // Of the store, when the turn was certain.
};

// The lease ended before the turn came.
absl::Status SessionExpired();
bool IsSessionExpired(const absl::Status& status);

// Thread-safe, and blocks no thread.
class PlaceInLine : public std::enable_shared_from_this<PlaceInLine> {
 public:
  struct Options {
    std::string name;   // The keys are NAME/LEASE, in hexadecimal.
    int64_t lease = 0;  // 0: one of a minute is granted.
    // Of the key; and if the lease has a place already, what its key is changed to. Nothing: a new
    // key is empty, an old one is left alone.
    absl::optional<std::string> value;
  };
  // Puts a command through the log on behalf of whoever waits. An error also when applying refused.
  using Propose = std::function<void(internal::Command, Server::Done)>;
  using Done = absl::AnyInvocable<void(absl::StatusOr<Turn>)>;

  // `done` is called once. Errors: those of the commands, SessionExpired(), Cancelled after Leave.
  // After an error the place is given up.
  static std::shared_ptr<PlaceInLine> Create(Server* server, Options options, Propose propose,
                                             Done done);

  // Once.
  void Join();
  // Whoever waited is gone: gives the place up, unless the turn has come.
  void Leave();

  // The keys of a line begin with NAME/; fills the range of a request or a comparison.
  template <typename Request>
  static void SelectLine(const std::string& name, Request* request) {
    request->set_key(name + "/");
    request->set_range_end(name + "0");
  }

 private:
  PlaceInLine(Server* server, Options options, Propose propose, Done done)
      : server_(server),
        options_(std::move(options)),
        propose_(std::move(propose)),
        done_(std::move(done)) {}

  void GrantLease();
  void Enter();
  void OnEntered(const etcdserverpb::TxnResponse& entered);
  void ChangeValue();
  void LookAhead();
  void AwaitDeletion(const std::string& key, int64_t revision);
  void Confirm();
  void GiveUp(absl::Status why);
  void End(absl::StatusOr<Turn> turn);

  // A transaction with one put or delete, if the key is still the one of this place.
  internal::Command IfStillHere() const;
  // A step of the way that needs the log; `then` gets its result unless it failed.
  void Through(internal::Command command, absl::AnyInvocable<void(ApplyResult&)> then);
  bool HasLeft() const {
    absl::MutexLock lock(&mutex_);
    return left_;
  }

  Server* const server_;
  Options options_;
  const Propose propose_;
  // One step is under way at a time, and what it reaches is the next step's.
  Done done_;
  Turn turn_;

  mutable absl::Mutex mutex_;
  bool left_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<DeletionWait> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_PLACE_IN_LINE_H_
