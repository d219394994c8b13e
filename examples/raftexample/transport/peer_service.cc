#include "examples/raftexample/transport/peer_service.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/transport/frame.h"
#include "examples/raftexample/transport/identity.h"
#include "raftpb/wire.h"

namespace raftexample {

using raftpb::Message;
using raftpb::MessageType;
using raftpb::NodeId;

namespace {

// Whether a peer may say this: in its own name, or passing on what somebody else asked of a leader.
bool IsFromPeer(const Message& message, NodeId peer) {
  switch (message.type) {
    case MessageType::kProp:
    case MessageType::kReadIndex:
    case MessageType::kTransferLeader: return true;  // Keeps its first sender, or names the target.
    default: return message.from == peer;
  }
}

// Messages from one peer, as long as its stream lasts.
class IncomingMessages final : public rpc::StreamHandler<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  IncomingMessages(absl::StatusOr<NodeId> peer, TransportOwner* owner, PeerTraffic* traffic)
      : peer_(std::move(peer)), owner_(owner), traffic_(traffic) {}

  void OnStart(std::shared_ptr<rpc::StreamControl> control, const rpc::CallInfo&) override {
    control_ = std::move(control);
    if (!peer_.ok()) return control_->End(peer_.status());
    control_->ReadNext();
  }

  void OnRequest(grpc::ByteBuffer& frame) override {
    std::vector<Message> messages;
    absl::Status unpacked = UnpackFrame(frame, messages);
    if (!unpacked.ok()) return control_->End(unpacked);
    for (const Message& message : messages) {
      if (!IsFromPeer(message, *peer_)) {
        return control_->End(absl::InvalidArgumentError("a message in somebody else's name"));
      }
    }
    if (owner_->IsRemoved(*peer_)) return control_->End(RemovedMember(*peer_));
    traffic_->CountReceived(*peer_, frame.Length());
    owner_->OnMessages(std::move(messages));
    control_->ReadNext();
  }

  void OnRequestsDone() override { control_->End(absl::OkStatus()); }
  absl::optional<grpc::ByteBuffer> NextResponse() override { return absl::nullopt; }

 private:
  const absl::StatusOr<NodeId> peer_;
  TransportOwner* const owner_;
  PeerTraffic* const traffic_;
  std::shared_ptr<rpc::StreamControl> control_;
};

// A snapshot from one peer. Each piece is written on the executor before the next is asked for.
class IncomingSnapshot final
    : public rpc::StreamHandler<peer::SnapshotPiece, peer::SnapshotReceipt> {
 public:
  IncomingSnapshot(absl::StatusOr<NodeId> peer, TransportOwner* owner, Executor* executor)
      : executor_(executor), transfer_(std::make_shared<Transfer>()) {
    transfer_->peer = std::move(peer);
    transfer_->owner = owner;
  }

  void OnStart(std::shared_ptr<rpc::StreamControl> control, const rpc::CallInfo&) override {
    if (!transfer_->peer.ok()) return control->End(transfer_->peer.status());
    transfer_->control = std::move(control);
    transfer_->control->ReadNext();
  }

  void OnRequest(peer::SnapshotPiece& piece) override {
    executor_->Post([transfer = transfer_, piece = std::move(piece)] {
      absl::Status taken = transfer->Take(piece);
      if (!taken.ok() || transfer->complete) return transfer->control->End(taken);
      transfer->control->ReadNext();
    });
  }

  void OnRequestsDone() override {
    transfer_->control->End(absl::DataLossError("the snapshot ended before its digest"));
  }
  absl::optional<peer::SnapshotReceipt> NextResponse() override { return absl::nullopt; }

 private:
  // Outlives the handler while a piece is being written.
  struct Transfer {
    absl::StatusOr<NodeId> peer;
    TransportOwner* owner = nullptr;
    std::shared_ptr<rpc::StreamControl> control;
    std::unique_ptr<SnapshotReceiver> receiver;
    Message message;
    bool complete = false;

    absl::Status Take(const peer::SnapshotPiece& piece) {
      if (receiver == nullptr) {
        if (absl::Status begun = Begin(piece.message()); !begun.ok()) return begun;
      }
      if (absl::Status written = receiver->Append(piece.data()); !written.ok()) return written;
      if (piece.digest().empty()) return absl::OkStatus();
      if (absl::Status whole = receiver->Finish(piece.digest()); !whole.ok()) return whole;
      complete = true;
      owner->OnSnapshotReceived(std::move(message), std::move(receiver));
      return absl::OkStatus();
    }

    absl::Status Begin(absl::string_view bytes) {
      if (absl::Status read = raftpb::Decode(bytes, message); !read.ok()) return read;
      if (message.type != MessageType::kSnap || !IsFromPeer(message, *peer)) {
        return absl::InvalidArgumentError("not the announcement of a snapshot");
      }
      absl::StatusOr<std::unique_ptr<SnapshotReceiver>> opened = owner->ReceiveSnapshot();
      if (!opened.ok()) return opened.status();
      receiver = *std::move(opened);
      return absl::OkStatus();
    }
  };

  Executor* const executor_;
  const std::shared_ptr<Transfer> transfer_;
};

// The answer of a call whose outcome has a value or is an error.
template <typename Answer, typename Call, typename Fill>
TransportOwner::Done<Answer> Answering(Call* call, Fill fill) {
  return [call, fill](absl::StatusOr<Answer> answer) {
    if (!answer.ok()) return call->Finish(answer.status());
    fill(call->response(), *std::move(answer));
    call->Reply();
  };
}

template <typename Response, typename Call>
TransportOwner::Done<Response> AnsweringAsIs(Call* call) {
  return Answering<Response>(
      call, [](Response& response, Response answer) { response = std::move(answer); });
}

}  // namespace

absl::StatusOr<NodeId> PeerService::CheckCaller(const grpc::ServerContext& context) const {
  absl::StatusOr<NodeId> caller = CheckIdentity(context, cluster_, self_);
  if (caller.ok() && owner_->IsRemoved(*caller)) return RemovedMember(*caller);
  return caller;
}

void PeerService::AddStreams(rpc::Server& server) {
  using Service = GeneratedPeerService;
  server.HandleStream(
      rpc::StreamMethod<Service, grpc::ByteBuffer, grpc::ByteBuffer>{
          "/raftexample.peer.Peer/Messages", &service_, &Service::RequestMessages,
          [this](const grpc::ServerContext& context) {
            return std::make_unique<IncomingMessages>(CheckCaller(context), owner_, traffic_);
          }},
      nullptr);
  server.HandleStream(
      rpc::StreamMethod<Service, peer::SnapshotPiece, peer::SnapshotReceipt>{
          "/raftexample.peer.Peer/Snapshot", &service_, &Service::RequestSnapshot,
          [this](const grpc::ServerContext& context) {
            return std::make_unique<IncomingSnapshot>(CheckCaller(context), owner_, executor_);
          }},
      nullptr);
}

template <typename Request, typename Response, typename Answer>
void PeerService::AddForMembers(rpc::Server& server, const char* name,
                                Method<Request, Response> method, Answer answer) {
  server.Handle(
      rpc::UnaryMethod<GeneratedPeerService, Request, Response>{
          name, &service_, method,
          [this, answer](rpc::UnaryCall<Request, Response>* call) {
            const absl::StatusOr<NodeId> caller = CheckCaller(call->context());
            if (!caller.ok()) return call->Finish(caller.status());
            answer(call);
          }},
      nullptr);
}

void PeerService::AddTo(rpc::Server& server) {
  using Service = GeneratedPeerService;
  server.AddService(&service_);
  AddStreams(server);

  // Whoever wants to join may ask who is there.
  using MembersCall = rpc::UnaryCall<peer::MembersRequest, peer::MembersResponse>;
  server.Handle(
      rpc::UnaryMethod<Service, peer::MembersRequest, peer::MembersResponse>{
          "/raftexample.peer.Peer/Members", &service_, &Service::RequestMembers,
          [this](MembersCall* call) {
            call->response().set_cluster_id(cluster_);
            for (etcdserverpb::Member& member : owner_->Members()) {
              *call->response().add_members() = std::move(member);
            }
            call->Reply();
          }},
      nullptr);

  using peer::RenewLeaseRequest;
  using peer::RenewLeaseResponse;
  AddForMembers<RenewLeaseRequest, RenewLeaseResponse>(
      server, "/raftexample.peer.Peer/RenewLease", &Service::RequestRenewLease, [this](auto* call) {
        const auto fill = [](auto& response, int64_t ttl) { response.set_ttl(ttl); };
        owner_->OnRenewLease(call->request().id(), Answering<int64_t>(call, fill));
      });

  using etcdserverpb::LeaseTimeToLiveRequest;
  using etcdserverpb::LeaseTimeToLiveResponse;
  AddForMembers<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>(
      server, "/raftexample.peer.Peer/LeaseTimeToLive", &Service::RequestLeaseTimeToLive,
      [this](auto* call) {
        owner_->OnLeaseTimeToLive(call->request(), AnsweringAsIs<LeaseTimeToLiveResponse>(call));
      });

  AddForMembers<etcdserverpb::MemberPromoteRequest, peer::PromoteMemberResponse>(
      server, "/raftexample.peer.Peer/PromoteMember", &Service::RequestPromoteMember,
      [this](auto* call) {
        const auto nothing_to_fill = [](auto&, bool) {};
        owner_->OnPromoteMember(call->request().id(), Answering<bool>(call, nothing_to_fill));
      });

  AddForMembers<peer::DescribeRequest, peer::MemberReport>(
      server, "/raftexample.peer.Peer/Describe", &Service::RequestDescribe,
      [this](auto* call) { owner_->OnDescribe(AnsweringAsIs<peer::MemberReport>(call)); });
}

}  // namespace raftexample
