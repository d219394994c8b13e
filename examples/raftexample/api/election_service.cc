#include "examples/raftexample/api/election_service.h"

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "examples/raftexample/api/place_in_line.h"
#include "examples/raftexample/watch/watch_hub.h"

namespace raftexample {

using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using etcdserverpb::TxnResponse;
using internal::Command;
using v3electionpb::CampaignRequest;
using v3electionpb::CampaignResponse;
using v3electionpb::LeaderKey;
using v3electionpb::LeaderRequest;
using v3electionpb::LeaderResponse;
using v3electionpb::ProclaimRequest;
using v3electionpb::ProclaimResponse;
using v3electionpb::ResignRequest;
using v3electionpb::ResignResponse;

namespace {

// As etcd's service words them, without a code.
absl::Status NoLeaderKey() { return absl::UnknownError("\"leader\" field must be provided"); }
absl::Status NotLeader() { return absl::UnknownError("election: not leader"); }
absl::Status NoLeader() { return absl::UnknownError("election: no leader"); }

// The oldest key of the line.
absl::Status FindLeader(const Server& server, const std::string& name, RangeResponse& found) {
  RangeRequest oldest;
  PlaceInLine::SelectLine(name, &oldest);
  oldest.set_sort_target(RangeRequest::CREATE);
  oldest.set_sort_order(RangeRequest::ASCEND);
  oldest.set_limit(1);
  return server.state().store().Range(oldest, &found);
}

absl::Status CheckLeaderKey(bool given, const LeaderKey& leader) {
  if (!given) return NoLeaderKey();
  if (leader.key().empty()) return errors::kEmptyKey;
  return absl::OkStatus();
}

// A transaction for a leader that still is one.
Command IfLeading(const LeaderKey& leader) {
  Command command;
  etcdserverpb::Compare& compare = *command.mutable_txn()->add_compare();
  compare.set_key(leader.key());
  compare.set_target(etcdserverpb::Compare::CREATE);
  compare.set_result(etcdserverpb::Compare::EQUAL);
  compare.set_create_revision(leader.rev());
  return command;
}

// Who leads, and everything that it proclaims; then the next one. The client takes one answer at a
// time, and the watch remembers for it (watch_hub.h).
class ObserveHandler final : public rpc::StreamHandler<LeaderRequest, LeaderResponse> {
 public:
  explicit ObserveHandler(const ApiContext& api) : api_(api) {}

  void OnStart(std::shared_ptr<rpc::StreamControl> control, const rpc::CallInfo&) override {
    control_ = std::move(control);
  }

  void OnRequest(LeaderRequest& request) override {
    name_ = request.name();
    api_.server->LinearizableRead([control = control_, recent = recent_](const absl::Status& read) {
      if (!read.ok()) return control->End(read);
      *recent = true;
      control->Wake();
    });
  }

  void OnRequestsDone() override {}

  absl::optional<LeaderResponse> NextResponse() override {
    if (!*recent_) return absl::nullopt;
    while (news_.empty()) {
      if (watch_ == nullptr) {
        absl::Status looked = Look();
        if (!looked.ok()) control_->End(looked);
        if (!looked.ok()) return absl::nullopt;
        continue;
      }
      const absl::optional<WatchOutput> output = watch_->Next();
      if (!output.has_value()) return absl::nullopt;
      Hear(output->ToProto());
    }
    LeaderResponse response = std::move(news_.front());
    news_.pop_front();
    return response;
  }

 private:
  // Who leads now, if anybody; and what happens to them, or to the line, from then on.
  absl::Status Look() {
    RangeResponse found;
    if (absl::Status read = FindLeader(*api_.server, name_, found); !read.ok()) return read;
    etcdserverpb::WatchCreateRequest watch;
    has_leader_ = !found.kvs().empty();
    if (has_leader_) {
      Tell(found.header().revision(), found.kvs(0));
      watch.set_key(found.kvs(0).key());
    } else {
      PlaceInLine::SelectLine(name_, &watch);
    }
    watch.set_start_revision(found.header().revision() + 1);
    // Not where the news comes from: hearing it may end this watch, and looks into the store.
    watch_ = api_.server->state().watches().OpenStream([server = api_.server, control = control_] {
      server->Post([control] { control->Wake(); });
    });
    watch_->Create(watch);
    return absl::OkStatus();
  }

  // Looks again when somebody enters an empty line, when the leader has gone, and when what came
  // meanwhile is compacted.
  void Hear(const etcdserverpb::WatchResponse& response) {
    bool look_again = response.compact_revision() > 0;
    for (const mvccpb::Event& event : response.events()) {
      const bool put = event.type() == mvccpb::Event::PUT;
      if (has_leader_ && put) Tell(response.header().revision(), event.kv());
      look_again |= has_leader_ != put;
      if (look_again) break;
    }
    if (look_again) {
      watch_ = nullptr;
    } else if (response.canceled()) {
      control_->End(errors::kTooManyRequests);
    }
  }

  void Tell(int64_t revision, const mvccpb::KeyValue& leader) {
    LeaderResponse& response = news_.emplace_back();
    FillHeader(*api_.server, revision, response.mutable_header());
    *response.mutable_kv() = leader;
  }

  const ApiContext api_;
  std::shared_ptr<rpc::StreamControl> control_;
  std::string name_;
  // What was acknowledged before the call is seen here. Outlives the handler.
  const std::shared_ptr<std::atomic<bool>> recent_ = std::make_shared<std::atomic<bool>>(false);
  bool has_leader_ = false;             // Then it is what we watch, and otherwise the line.
  std::unique_ptr<WatchStream> watch_;  // None: look again.
  std::deque<LeaderResponse> news_;     // From one answer of the watch.
};

}  // namespace

void ElectionService::AddTo(rpc::Server& server) {
  using Service = v3electionpb::Election::AsyncService;
  server.AddService(&service_);
  server.HandleWaiting(
      rpc::WaitingMethod<Service, CampaignRequest, CampaignResponse>{
          "/v3electionpb.Election/Campaign", &service_, &Service::RequestCampaign,
          [this](CampaignCall* call) { Campaign(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, ProclaimRequest, ProclaimResponse>{
          "/v3electionpb.Election/Proclaim", &service_, &Service::RequestProclaim,
          [this](ProclaimCall* call) { Proclaim(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, LeaderRequest, LeaderResponse>{
          "/v3electionpb.Election/Leader", &service_, &Service::RequestLeader,
          [this](LeaderCall* call) { Leader(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, ResignRequest, ResignResponse>{
          "/v3electionpb.Election/Resign", &service_, &Service::RequestResign,
          [this](ResignCall* call) { Resign(call); }},
      api_.gate);
  server.HandleStream(
      rpc::ServerStreamMethod<Service, LeaderRequest, LeaderResponse>{
          "/v3electionpb.Election/Observe", &service_, &Service::RequestObserve,
          [this](const grpc::ServerContext&) { return std::make_unique<ObserveHandler>(api_); }},
      api_.gate);
}

void ElectionService::Campaign(CampaignCall* call) {
  const CampaignRequest& request = call->request();
  const std::shared_ptr<PlaceInLine> place = PlaceInLine::Create(
      api_.server, {.name = request.name(), .lease = request.lease(), .value = request.value()},
      [api = api_, call](Command command, Server::Done done) {
        ProposeFor(api, call, std::move(command), call->info(), std::move(done));
      },
      [api = api_, call](absl::StatusOr<Turn> turn) {
        if (IsSessionExpired(turn.status())) return call->Finish(NotLeader());
        if (!turn.ok()) return call->Finish(turn.status());
        FillHeader(*api.server, turn->revision, call->response().mutable_header());
        LeaderKey& leader = *call->response().mutable_leader();
        leader.set_name(call->request().name());
        leader.set_key(turn->key);
        leader.set_rev(turn->create_revision);
        leader.set_lease(turn->lease);
        call->Reply();
      });
  call->OnGone([place] { place->Leave(); });
  place->Join();
}

void ElectionService::Proclaim(ProclaimCall* call) {
  const LeaderKey& leader = call->request().leader();
  absl::Status fits = CheckLeaderKey(call->request().has_leader(), leader);
  if (!fits.ok()) return call->Finish(fits);
  if (leader.rev() == 0) return call->Finish(NotLeader());  // It would make itself the leader.
  Command command = IfLeading(leader);
  etcdserverpb::PutRequest& put = *command.mutable_txn()->add_success()->mutable_request_put();
  put.set_key(leader.key());
  put.set_value(call->request().value());
  put.set_lease(leader.lease());
  put.set_ignore_lease(leader.lease() == 0);
  ProposeFor(api_, call, std::move(command), call->info(),
             [api = api_, call](absl::StatusOr<ApplyResult> result) {
               if (!result.ok()) return call->Finish(result.status());
               if (!std::get<TxnResponse>(result->response).succeeded()) {
                 return call->Finish(NotLeader());
               }
               FillHeader(*api.server, result->revision, call->response().mutable_header());
               call->Reply();
             });
}

void ElectionService::Leader(LeaderCall* call) {
  api_.server->LinearizableRead([this, call](const absl::Status& recent) {
    if (!recent.ok()) return call->Finish(recent);
    api_.server->Post([this, call] {
      RangeResponse found;
      absl::Status read = FindLeader(*api_.server, call->request().name(), found);
      if (!read.ok()) return call->Finish(read);
      if (found.kvs().empty()) return call->Finish(NoLeader());
      FillHeader(*api_.server, found.header().revision(), call->response().mutable_header());
      *call->response().mutable_kv() = std::move(*found.mutable_kvs(0));
      call->Reply();
    });
  });
}

// Whoever does not lead any more has nothing to resign from, which is no error.
void ElectionService::Resign(ResignCall* call) {
  const LeaderKey& leader = call->request().leader();
  absl::Status fits = CheckLeaderKey(call->request().has_leader(), leader);
  if (!fits.ok()) return call->Finish(fits);
  Command command = IfLeading(leader);
  command.mutable_txn()->add_success()->mutable_request_delete_range()->set_key(leader.key());
  ProposeAndReply(api_, call, std::move(command));
}

}  // namespace raftexample
