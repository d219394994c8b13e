// How many bytes of messages went to and came from each peer.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_PEER_TRAFFIC_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_PEER_TRAFFIC_H_

#include <cstdint>
#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "raftpb/ids.h"

namespace raftexample {

// Of frames, as they are handed to and come from gRPC. Snapshots are not counted. Thread-safe.
class PeerTraffic {
 public:
  struct Bytes {
    uint64_t sent = 0;
    uint64_t received = 0;
  };

  void CountSent(raftpb::NodeId peer, uint64_t bytes) {
    absl::MutexLock lock(&mutex_);
    by_peer_[peer].sent += bytes;
  }
  void CountReceived(raftpb::NodeId peer, uint64_t bytes) {
    absl::MutexLock lock(&mutex_);
    by_peer_[peer].received += bytes;
  }
  std::map<raftpb::NodeId, Bytes> Now() const {
    absl::MutexLock lock(&mutex_);
    return by_peer_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::map<raftpb::NodeId, Bytes> by_peer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_PEER_TRAFFIC_H_
