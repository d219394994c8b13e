// v3lockpb.Lock: mutual exclusion, with the recipe of etcd's clients carried out by the server.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_LOCK_SERVICE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_LOCK_SERVICE_H_

#include "examples/raftexample/api/answering.h"
#include "examples/raftexample/proto/lock.grpc.pb.h"
#include "examples/raftexample/rpc/server.h"

namespace raftexample {

// A lock is held by whoever has the turn in the line of its name (place_in_line.h), until the key
// is deleted: by Unlock, or with the lease. A caller that leaves gives its place up.
class LockService {
 public:
  explicit LockService(const ApiContext& api) : api_(api) {}
  void AddTo(rpc::Server& server);

 private:
  using LockCall = rpc::WaitingCall<v3lockpb::LockRequest, v3lockpb::LockResponse>;
  using UnlockCall = rpc::UnaryCall<v3lockpb::UnlockRequest, v3lockpb::UnlockResponse>;

  void Lock(LockCall* call);
  void Unlock(UnlockCall* call);

  const ApiContext api_;
  v3lockpb::Lock::AsyncService service_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_LOCK_SERVICE_H_
