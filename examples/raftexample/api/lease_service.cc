#include "examples/raftexample/api/lease_service.h"

#include <deque>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "examples/raftexample/lease/lease_id.h"

namespace raftexample {

using etcdserverpb::LeaseGrantRequest;
using etcdserverpb::LeaseGrantResponse;
using etcdserverpb::LeaseKeepAliveRequest;
using etcdserverpb::LeaseKeepAliveResponse;
using etcdserverpb::LeaseLeasesRequest;
using etcdserverpb::LeaseLeasesResponse;
using etcdserverpb::LeaseRevokeRequest;
using etcdserverpb::LeaseRevokeResponse;
using etcdserverpb::LeaseTimeToLiveRequest;
using etcdserverpb::LeaseTimeToLiveResponse;
using internal::Command;

namespace {

// One question is with the leader at a time; the next is read when it has been answered.
class KeepAliveHandler final
    : public rpc::StreamHandler<LeaseKeepAliveRequest, LeaseKeepAliveResponse> {
 public:
  KeepAliveHandler(const ApiContext& api, const grpc::ServerContext& context,
                   LeaderWatch* leader_watch)
      : api_(api), context_(context), leader_watch_(leader_watch) {}

  void OnStart(std::shared_ptr<rpc::StreamControl> control, const rpc::CallInfo& call) override {
    call_ = call;
    answers_->control = std::move(control);
    if (ClientGate::RequiresLeader(context_)) leader_watch_->Add(answers_->control);
    answers_->control->ReadNext();
  }

  void OnRequest(LeaseKeepAliveRequest& request) override {
    if (api_.server->state().auth().enabled()) {
      absl::Status allowed = api_.gate->Recheck(context_, request, call_);
      if (!allowed.ok()) return answers_->control->End(allowed);
    }
    const int64_t id = request.id();
    api_.server->RenewLease(
        id, [id, server = api_.server, answers = answers_](absl::StatusOr<int64_t> ttl) {
          const bool gone = errors::kLeaseNotFound.Is(ttl.status());
          if (!ttl.ok() && !gone) return answers->control->End(ttl.status());
          LeaseKeepAliveResponse response;
          FillHeader(*server, response.mutable_header());
          response.set_id(id);
          response.set_ttl(gone ? 0 : *ttl);
          answers->Put(std::move(response));
          answers->control->ReadNext();
        });
  }

  void OnRequestsDone() override { answers_->PutEnd(); }

  absl::optional<LeaseKeepAliveResponse> NextResponse() override { return answers_->Take(); }

 private:
  // Outlives the handler while a question is out.
  struct Answers {
    std::shared_ptr<rpc::StreamControl> control;
    absl::Mutex mutex;
    std::deque<LeaseKeepAliveResponse> queue ABSL_GUARDED_BY(mutex);
    bool no_more ABSL_GUARDED_BY(mutex) = false;

    void Put(LeaseKeepAliveResponse response) {
      {
        absl::MutexLock lock(&mutex);
        queue.push_back(std::move(response));
      }
      control->Wake();
    }
    void PutEnd() {
      {
        absl::MutexLock lock(&mutex);
        no_more = true;
      }
      control->Wake();
    }
    absl::optional<LeaseKeepAliveResponse> Take() {
      {
        absl::MutexLock lock(&mutex);
        if (!queue.empty()) {
          LeaseKeepAliveResponse response = std::move(queue.front());
          queue.pop_front();
          return response;
        }
        if (!no_more) return absl::nullopt;
      }
      control->End(absl::OkStatus());
      return absl::nullopt;
    }
  };

  const ApiContext api_;
  const grpc::ServerContext& context_;
  LeaderWatch* const leader_watch_;
  rpc::CallInfo call_;
  const std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();
};

}  // namespace

void LeaseService::AddTo(rpc::Server& server) {
  using Service = etcdserverpb::Lease::AsyncService;
  server.AddService(&service_);
  server.Handle(
      rpc::UnaryMethod<Service, LeaseGrantRequest, LeaseGrantResponse>{
          "/etcdserverpb.Lease/LeaseGrant", &service_, &Service::RequestLeaseGrant,
          [this](GrantCall* call) { Grant(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, LeaseRevokeRequest, LeaseRevokeResponse>{
          "/etcdserverpb.Lease/LeaseRevoke", &service_, &Service::RequestLeaseRevoke,
          [this](auto* call) {
            Command command;
            *command.mutable_lease_revoke() = call->request();
            ProposeAndReply(api_, call, std::move(command));
          }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>{
          "/etcdserverpb.Lease/LeaseTimeToLive", &service_, &Service::RequestLeaseTimeToLive,
          [this](TimeToLiveCall* call) { TimeToLive(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, LeaseLeasesRequest, LeaseLeasesResponse>{
          "/etcdserverpb.Lease/LeaseLeases", &service_, &Service::RequestLeaseLeases,
          [this](auto* call) {
            FillHeader(*api_.server, call->response().mutable_header());
            for (const int64_t id : api_.server->state().leases().List()) {
              call->response().add_leases()->set_id(id);
            }
            call->Reply();
          }},
      api_.gate);
  server.HandleStream(
      rpc::StreamMethod<Service, LeaseKeepAliveRequest, LeaseKeepAliveResponse>{
          "/etcdserverpb.Lease/LeaseKeepAlive", &service_, &Service::RequestLeaseKeepAlive,
          [this](const grpc::ServerContext& context) {
            return std::make_unique<KeepAliveHandler>(api_, context, leader_watch_);
          }},
      api_.gate);
}

void LeaseService::Grant(GrantCall* call) {
  if (absl::Status fits = Lessor::CheckGrant(call->request()); !fits.ok()) {
    return call->Finish(fits);
  }
  Command command;
  LeaseGrantRequest& grant = *command.mutable_lease_grant();
  grant = call->request();
  if (grant.id() == 0) grant.set_id(NewLeaseId());
  grant.set_ttl(api_.server->state().leases().RaisedTtl(grant.ttl()));
  ProposeAndReply(api_, call, std::move(command),
                  [this](ApplyResult& result, LeaseGrantResponse& response) {
                    response = std::move(std::get<LeaseGrantResponse>(result.response));
                    FillHeader(*api_.server, result.revision, response.mutable_header());
                  });
}

void LeaseService::TimeToLive(TimeToLiveCall* call) {
  api_.server->LeaseTimeToLive(call->request(),
                               [this, call](absl::StatusOr<LeaseTimeToLiveResponse> answer) {
                                 if (!answer.ok()) return call->Finish(answer.status());
                                 call->response() = *std::move(answer);
                                 FillHeader(*api_.server, call->response().mutable_header());
                                 call->Reply();
                               });
}

}  // namespace raftexample
