// The network between members: messages, snapshots, and the few questions that only a leader can
// answer.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_TRANSPORT_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_TRANSPORT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/raftexample/backend/snapshot_file.h"
#include "examples/raftexample/proto/rpc.pb.h"
#include "examples/raftexample/server/config.h"
#include "examples/raftexample/transport/peer_traffic.h"
#include "examples/raftexample/transport/transport_owner.h"
#include "raftpb/ids.h"
#include "raftpb/message.h"

namespace raftexample {

// Thread-safe. Nothing here waits for the network, unless said otherwise.
class Transport {
 public:
  struct Options {
    uint64_t cluster = 0;
    raftpb::NodeId self = raftpb::kNone;
    std::vector<Url> listen_urls;
    TlsFiles tls;
    absl::Duration heartbeat = absl::Milliseconds(100);
  };
  template <typename Answer>
  using Done = TransportOwner::Done<Answer>;

  // Listens, but handles nothing before Start. Unavailable, naming the address, if it cannot.
  static absl::StatusOr<std::unique_ptr<Transport>> Create(const Options& options,
                                                           TransportOwner* owner);
  virtual ~Transport() = default;

  // Begins, or ends, to talk with a member. Setting other URLs connects anew.
  virtual void SetPeer(raftpb::NodeId peer, const std::vector<std::string>& urls) = 0;
  virtual void RemovePeer(raftpb::NodeId peer) = 0;

  // To the peers they name; those to unknown peers are dropped.
  virtual void Send(std::vector<raftpb::Message> messages) = 0;
  // The message names the state in the file. OnSnapshotSent says how it ended.
  virtual void SendSnapshot(raftpb::Message message, std::unique_ptr<SnapshotFile> file) = 0;

  // Ask the leader.
  virtual void RenewLease(raftpb::NodeId leader, int64_t id, absl::Time deadline,
                          Done<int64_t> done) = 0;
  virtual void LeaseTimeToLive(raftpb::NodeId leader,
                               const etcdserverpb::LeaseTimeToLiveRequest& request,
                               absl::Time deadline,
                               Done<etcdserverpb::LeaseTimeToLiveResponse> done) = 0;
  virtual void PromoteMember(raftpb::NodeId leader, uint64_t id, absl::Time deadline,
                             Done<bool> done) = 0;

  // Asks any member how it is.
  virtual void Describe(raftpb::NodeId peer, absl::Time deadline,
                        Done<peer::MemberReport> done) = 0;

  // Since the start.
  virtual std::map<raftpb::NodeId, PeerTraffic::Bytes> traffic() const = 0;

  // For how long there has been a connection to the peer without interruption; zero if there is
  // none.
  virtual absl::Duration ConnectedFor(raftpb::NodeId peer) const = 0;

  // Ends everything; waits for the threads. Questions of peers must be answered meanwhile.
  virtual void Shutdown() = 0;
};

// Asks the members at these URLs, one after the other, who belongs to their cluster. Waits.
struct RemoteCluster {
  uint64_t cluster = 0;
  std::vector<etcdserverpb::Member> members;
};
absl::StatusOr<RemoteCluster> AskForMembers(const std::vector<Url>& urls, const TlsFiles& tls,
                                            absl::Duration timeout);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_TRANSPORT_H_
