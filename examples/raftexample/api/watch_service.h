// etcdserverpb.Watch: changes as they happen.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_WATCH_SERVICE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_WATCH_SERVICE_H_

#include "examples/raftexample/api/answering.h"
#include "examples/raftexample/api/leader_watch.h"
#include "examples/raftexample/proto/rpc.grpc.pb.h"
#include "examples/raftexample/rpc/server.h"

namespace raftexample {

class WatchService {
 public:
  WatchService(const ApiContext& api, LeaderWatch* leader_watch)
      : api_(api), leader_watch_(leader_watch) {}
  void AddTo(rpc::Server& server);

 private:
  // Read and written as bytes: an event is encoded once for all who hear of it.
  using Service = etcdserverpb::Watch::WithRawMethod_Watch<etcdserverpb::Watch::Service>;

  const ApiContext api_;
  LeaderWatch* const leader_watch_;
  Service service_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_WATCH_SERVICE_H_
