// What the network between members wants from the member it serves.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_TRANSPORT_OWNER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_TRANSPORT_OWNER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/raftexample/backend/snapshot_file.h"
#include "examples/raftexample/proto/rpc.pb.h"
#include "examples/raftexample/transport/peer.pb.h"
#include "raft/raw_node.h"
#include "raftpb/ids.h"
#include "raftpb/message.h"

namespace raftexample {

// The member that a transport serves. Called on the transport's threads; must not block, unless
// said otherwise.
class TransportOwner {
 public:
  virtual ~TransportOwner() = default;

  // From a peer whose identity has been checked; each message is really from whom it says.
  virtual void OnMessages(std::vector<raftpb::Message> messages) = 0;
  virtual void OnUnreachable(raftpb::NodeId peer) = 0;
  // The peer refuses us: we, or it, do not belong to the cluster as the other one knows it.
  virtual void OnRefused(raftpb::NodeId peer, const absl::Status& why) = 0;
  virtual bool IsRemoved(raftpb::NodeId peer) const = 0;

  virtual void OnSnapshotSent(raftpb::NodeId peer, raft::SnapshotOutcome outcome) = 0;
  // Where an incoming snapshot is to be written. May block, as everything with the receiver.
  virtual absl::StatusOr<std::unique_ptr<SnapshotReceiver>> ReceiveSnapshot() = 0;
  // All of it came, and is on disk.
  virtual void OnSnapshotReceived(raftpb::Message message,
                                  std::unique_ptr<SnapshotReceiver> received) = 0;

  // Questions of other members. `done` from any thread.
  template <typename Answer>
  using Done = std::function<void(absl::StatusOr<Answer>)>;
  virtual std::vector<etcdserverpb::Member> Members() const = 0;
  virtual void OnRenewLease(int64_t id, Done<int64_t> done) = 0;
  virtual void OnLeaseTimeToLive(const etcdserverpb::LeaseTimeToLiveRequest& request,
                                 Done<etcdserverpb::LeaseTimeToLiveResponse> done) = 0;
  virtual void OnPromoteMember(uint64_t id, Done<bool> done) = 0;
  virtual void OnDescribe(Done<peer::MemberReport> done) = 0;
};

// Whether a peer refuses us (TransportOwner::OnRefused) because we were removed from the cluster.
absl::Status RemovedMember(raftpb::NodeId member);
bool WasRemoved(const absl::Status& refusal);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_TRANSPORT_OWNER_H_
