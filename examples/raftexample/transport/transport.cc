#include "examples/raftexample/transport/transport.h"

#include <grpcpp/create_channel.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "examples/raftexample/rpc/credentials.h"
#include "examples/raftexample/rpc/server.h"
#include "examples/raftexample/server/executor.h"
#include "examples/raftexample/transport/frame.h"
#include "examples/raftexample/transport/identity.h"
#include "examples/raftexample/transport/peer.grpc.pb.h"
#include "examples/raftexample/transport/peer_link.h"
#include "examples/raftexample/transport/peer_service.h"
#include "examples/raftexample/transport/snapshot_sender.h"

namespace raftexample {

using raftpb::Message;
using raftpb::NodeId;

namespace {

// A channel that reconnects quickly, and notices a peer that vanished without a word.
std::shared_ptr<grpc::Channel> Dial(const Url& url, const TlsFiles& tls, absl::Duration heartbeat) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);  // How long a connect may take.
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 300);
  const int patience = static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(heartbeat * 10), 1000, 10'000));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, patience);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, patience);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // As many as it takes.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kMaxFrameBytes) + (1 << 20));
  arguments.SetMaxSendMessageSize(-1);
  absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> credentials =
      rpc::DialCredentials(url, tls);
  if (!credentials.ok()) credentials = grpc::InsecureChannelCredentials();  // Will be refused.
  return grpc::CreateCustomChannel(url.HostPort(), *credentials, arguments);
}

// The questions that have not been answered, so that they can be given up.
class OpenQuestions {
 public:
  void Add(grpc::ClientContext* context) {
    absl::MutexLock lock(&mutex_);
    contexts_.insert(context);
    if (cancelled_) context->TryCancel();
  }
  void Remove(grpc::ClientContext* context) {
    absl::MutexLock lock(&mutex_);
    contexts_.erase(context);
  }
  void Cancel() {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    for (grpc::ClientContext* context : contexts_) context->TryCancel();
  }

 private:
  absl::Mutex mutex_;
  std::set<grpc::ClientContext*> contexts_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

// One question to another member, as an event.
template <typename Request, typename Response>
class Question final : public rpc::Event {
 public:
  using Done = std::function<void(absl::StatusOr<Response>)>;
  using Method = std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> (peer::Peer::Stub::*)(
      grpc::ClientContext*, const Request&, grpc::CompletionQueue*);

  static void Ask(std::shared_ptr<grpc::Channel> channel, Method method,
                  const PeerIdentity& identity, const Request& request, absl::Time deadline,
                  grpc::CompletionQueue* queue, OpenQuestions* open, Done done) {
    auto* question = new Question(open);
    question->done_ = std::move(done);
    question->stub_ = peer::Peer::NewStub(channel);
    WriteIdentity(identity, question->context_);
    question->context_.set_deadline(absl::ToChronoTime(deadline));
    open->Add(&question->context_);
    question->reader_ = ((*question->stub_).*method)(&question->context_, request, queue);
    question->reader_->Finish(&question->response_, &question->status_,
                              static_cast<rpc::Event*>(question));
  }

  void Happen(bool) override {
    open_->Remove(&context_);
    if (status_.ok()) {
      done_(std::move(response_));
    } else {
      done_(rpc::FromGrpc(status_));
    }
    delete this;
  }

 private:
  explicit Question(OpenQuestions* open) : open_(open) {}

  OpenQuestions* const open_;
  Done done_;
  std::unique_ptr<peer::Peer::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader_;
  Response response_;
  grpc::Status status_;
};

class GrpcTransport final : public Transport {
 public:
  GrpcTransport(const Options& options, TransportOwner* owner)
      : options_(options),
        owner_(owner),
        executor_(1),
        service_(options.cluster, options.self, owner, &executor_, &traffic_),
        server_({.max_receive_bytes = static_cast<int>(kMaxFrameBytes) + (1 << 20),
                 .accept_ahead = 2}) {}
  ~GrpcTransport() override { Shutdown(); }

  absl::Status Start() {
    service_.AddTo(server_);
    for (const Url& url : options_.listen_urls) {
      absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> credentials =
          rpc::ListenCredentials(url, options_.tls);
      if (!credentials.ok()) return credentials.status();
      server_.Listen(url.HostPort(), *credentials);
    }
    return server_.Start();
  }

  void SetPeer(NodeId peer, const std::vector<std::string>& urls) override {
    if (peer == options_.self || urls.empty()) return;
    std::shared_ptr<PeerLink> replaced;
    absl::MutexLock lock(&mutex_);
    if (stopped_) return;
    Peer& entry = peers_[peer];
    if (entry.link != nullptr && entry.url == urls.front()) return;
    const absl::StatusOr<Url> url = ParseUrl(urls.front());
    if (!url.ok()) return;
    if (entry.link != nullptr) Retire(entry);
    entry.url = urls.front();
    entry.channel = Dial(*url, options_.tls, options_.heartbeat);
    entry.link = PeerLink::Start(
        entry.channel, server_.queue(), {.identity = IdentityFor(peer)},
        {.on_sent = [this, peer](size_t bytes) { traffic_.CountSent(peer, bytes); },
         .on_dropped = [this, peer] { owner_->OnUnreachable(peer); },
         .on_refused = [this, peer](const absl::Status& why) { owner_->OnRefused(peer, why); }});
  }

  void RemovePeer(NodeId peer) override {
    absl::MutexLock lock(&mutex_);
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    Retire(found->second);
    peers_.erase(found);
  }

  void Send(std::vector<Message> messages) override {
    std::map<NodeId, std::vector<Message>> by_peer;
    for (Message& message : messages) by_peer[message.to].push_back(std::move(message));
    for (auto& [peer, batch] : by_peer) {
      if (std::shared_ptr<PeerLink> link = LinkTo(peer)) link->Send(std::move(batch));
    }
  }

  void SendSnapshot(Message message, std::unique_ptr<SnapshotFile> file) override {
    const NodeId peer = message.to;
    absl::MutexLock lock(&mutex_);
    const auto found = peers_.find(peer);
    if (stopped_ || found == peers_.end()) {
      return owner_->OnSnapshotSent(peer, raft::SnapshotOutcome::kFailed);
    }
    senders_.erase(std::remove_if(senders_.begin(), senders_.end(),
                                  [](const auto& sender) { return sender->ended(); }),
                   senders_.end());
    const absl::StatusOr<Url> url = ParseUrl(found->second.url);
    senders_.push_back(std::make_unique<SnapshotSender>(
        Dial(*url, options_.tls, options_.heartbeat), IdentityFor(peer), std::move(message),
        std::move(file), [this, peer](const absl::Status& sent) {
          owner_->OnSnapshotSent(
              peer, sent.ok() ? raft::SnapshotOutcome::kFinished : raft::SnapshotOutcome::kFailed);
        }));
  }

  void RenewLease(NodeId leader, int64_t id, absl::Time deadline, Done<int64_t> done) override {
    peer::RenewLeaseRequest request;
    request.set_id(id);
    Ask<peer::RenewLeaseRequest, peer::RenewLeaseResponse>(
        leader, &peer::Peer::Stub::AsyncRenewLease, request, deadline,
        [done = std::move(done)](absl::StatusOr<peer::RenewLeaseResponse> answer) {
          if (!answer.ok()) return done(answer.status());
          done(answer->ttl());
        });
  }

  void LeaseTimeToLive(NodeId leader, const etcdserverpb::LeaseTimeToLiveRequest& request,
                       absl::Time deadline,
                       Done<etcdserverpb::LeaseTimeToLiveResponse> done) override {
    Ask<etcdserverpb::LeaseTimeToLiveRequest, etcdserverpb::LeaseTimeToLiveResponse>(
        leader, &peer::Peer::Stub::AsyncLeaseTimeToLive, request, deadline, std::move(done));
  }

  void PromoteMember(NodeId leader, uint64_t id, absl::Time deadline, Done<bool> done) override {
    etcdserverpb::MemberPromoteRequest request;
    request.set_id(id);
    Ask<etcdserverpb::MemberPromoteRequest, peer::PromoteMemberResponse>(
        leader, &peer::Peer::Stub::AsyncPromoteMember, request, deadline,
        [done = std::move(done)](absl::StatusOr<peer::PromoteMemberResponse> answer) {
          if (!answer.ok()) return done(answer.status());
          done(true);
        });
  }

  void Describe(NodeId peer, absl::Time deadline, Done<peer::MemberReport> done) override {
    Ask<peer::DescribeRequest, peer::MemberReport>(
        peer, &peer::Peer::Stub::AsyncDescribe, peer::DescribeRequest(), deadline, std::move(done));
  }

  std::map<NodeId, PeerTraffic::Bytes> traffic() const override { return traffic_.Now(); }

  absl::Duration ConnectedFor(NodeId peer) const override {
    const std::shared_ptr<PeerLink> link = LinkTo(peer);
    if (link == nullptr) return absl::ZeroDuration();
    const auto since = link->connected_since();
    if (!since.has_value()) return absl::ZeroDuration();
    return absl::FromChrono(std::chrono::steady_clock::now() - *since);
  }

  void Shutdown() override {
    std::vector<std::unique_ptr<SnapshotSender>> senders;
    std::vector<std::shared_ptr<PeerLink>> links;
    {
      absl::MutexLock lock(&mutex_);
      if (std::exchange(stopped_, true)) return;
      for (auto& [id, peer] : peers_) Retire(peer);
      peers_.clear();
      senders = std::move(senders_);
      links = std::move(retired_);
    }
    questions_.Cancel();
    senders.clear();
    for (const auto& link : links) link->Join();
    server_.Shutdown(std::chrono::milliseconds(0));
    executor_.Stop();
  }

 private:
  struct Peer {
    std::string url;
    std::shared_ptr<grpc::Channel> channel;
    std::shared_ptr<PeerLink> link;
  };

  PeerIdentity IdentityFor(NodeId peer) const {
    return {.cluster = options_.cluster, .from = options_.self, .to = peer};
  }

  void Retire(Peer& peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    peer.link->Stop();
    retired_.push_back(std::move(peer.link));
  }

  std::shared_ptr<PeerLink> LinkTo(NodeId peer) const {
    absl::MutexLock lock(&mutex_);
    const auto found = peers_.find(peer);
    return found == peers_.end() ? nullptr : found->second.link;
  }

  template <typename Request, typename Response>
  void Ask(NodeId peer, typename Question<Request, Response>::Method method, const Request& request,
           absl::Time deadline, typename Question<Request, Response>::Done done) {
    {
      absl::MutexLock lock(&mutex_);
      const auto found = peers_.find(peer);
      if (!stopped_ && found != peers_.end()) {
        return Question<Request, Response>::Ask(found->second.channel, method, IdentityFor(peer),
                                                request, deadline, server_.queue(), &questions_,
                                                std::move(done));
      }
    }
    done(absl::UnavailableError("no such peer"));
  }

  const Options options_;
  TransportOwner* const owner_;
  Executor executor_;
  OpenQuestions questions_;
  PeerTraffic traffic_;
  PeerService service_;
  rpc::Server server_;

  mutable absl::Mutex mutex_;
  std::map<NodeId, Peer> peers_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<PeerLink>> retired_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<SnapshotSender>> senders_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> Transport::Create(const Options& options,
                                                             TransportOwner* owner) {
  auto transport = std::make_unique<GrpcTransport>(options, owner);
  if (absl::Status started = transport->Start(); !started.ok()) return started;
  return transport;
}

absl::StatusOr<RemoteCluster> AskForMembers(const std::vector<Url>& urls, const TlsFiles& tls,
                                            absl::Duration timeout) {
  absl::Status last = absl::UnavailableError("no member to ask");
  for (const Url& url : urls) {
    const auto stub = peer::Peer::NewStub(Dial(url, tls, absl::Milliseconds(100)));
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    context.set_wait_for_ready(true);
    peer::MembersResponse response;
    const grpc::Status asked = stub->Members(&context, peer::MembersRequest(), &response);
    if (asked.ok()) {
      return RemoteCluster{response.cluster_id(),
                           {response.members().begin(), response.members().end()}};
    }
    last = rpc::FromGrpc(asked);
  }
  return last;
}

}  // namespace raftexample
