#include "examples/raftexample/api/cluster_service.h"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "examples/raftexample/server/cluster_ids.h"
#include "examples/raftexample/server/url.h"

namespace raftexample {

using etcdserverpb::MemberAddRequest;
using etcdserverpb::MemberAddResponse;
using etcdserverpb::MemberListRequest;
using etcdserverpb::MemberListResponse;
using etcdserverpb::MemberPromoteRequest;
using etcdserverpb::MemberPromoteResponse;
using etcdserverpb::MemberRemoveRequest;
using etcdserverpb::MemberRemoveResponse;
using etcdserverpb::MemberUpdateRequest;
using etcdserverpb::MemberUpdateResponse;
using internal::MemberChange;

namespace {

// URLs that members can dial: at least one, each with a scheme, a host and a port.
template <typename Urls>
absl::Status CheckUrls(const Urls& urls) {
  if (urls.empty()) return errors::kMemberBadUrls;
  for (const std::string& url : urls) {
    if (!ParseUrl(url).ok()) return errors::kMemberBadUrls;
  }
  return absl::OkStatus();
}

// What changes members has no revision to tell.
void FillMemberHeader(const Server& server, etcdserverpb::ResponseHeader* header) {
  FillIds(server, header);
}

}  // namespace

void ClusterService::AddTo(rpc::Server& server) {
  using Service = etcdserverpb::Cluster::AsyncService;
  server.AddService(&service_);
  server.Handle(
      rpc::UnaryMethod<Service, MemberAddRequest, MemberAddResponse>{
          "/etcdserverpb.Cluster/MemberAdd", &service_, &Service::RequestMemberAdd,
          [this](AddCall* call) { Add(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, MemberRemoveRequest, MemberRemoveResponse>{
          "/etcdserverpb.Cluster/MemberRemove", &service_, &Service::RequestMemberRemove,
          [this](auto* call) {
            MemberChange change;
            change.set_kind(MemberChange::REMOVE);
            change.mutable_member()->set_id(call->request().id());
            ChangeAndReply(call, std::move(change));
          }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, MemberUpdateRequest, MemberUpdateResponse>{
          "/etcdserverpb.Cluster/MemberUpdate", &service_, &Service::RequestMemberUpdate,
          [this](auto* call) {
            const bool known =
                api_.server->state().membership().Find(call->request().id()).has_value();
            absl::Status fits = CheckUrls(call->request().peerurls());
            if (known && !fits.ok()) return call->Finish(fits);
            MemberChange change;
            change.set_kind(MemberChange::UPDATE);
            change.mutable_member()->set_id(call->request().id());
            *change.mutable_member()->mutable_peerurls() = call->request().peerurls();
            ChangeAndReply(call, std::move(change));
          }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, MemberListRequest, MemberListResponse>{
          "/etcdserverpb.Cluster/MemberList", &service_, &Service::RequestMemberList,
          [this](ListCall* call) { List(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, MemberPromoteRequest, MemberPromoteResponse>{
          "/etcdserverpb.Cluster/MemberPromote", &service_, &Service::RequestMemberPromote,
          [this](PromoteCall* call) { Promote(call); }},
      api_.gate);
}

template <typename Response>
void ClusterService::FillMembers(Response& response) {
  FillMemberHeader(*api_.server, response.mutable_header());
  for (etcdserverpb::Member& member : api_.server->state().membership().Members()) {
    *response.add_members() = std::move(member);
  }
}

template <typename Call>
void ClusterService::ChangeAndReply(Call* call, MemberChange change) {
  change.mutable_header()->set_user(call->info().user);
  change.mutable_header()->set_auth_revision(call->info().auth_revision);
  api_.server->ChangeMembers(std::move(change), [this, call](absl::StatusOr<ApplyResult> result) {
    if (!result.ok()) return call->Finish(result.status());
    if (!result->status.ok()) return call->Finish(result->status);
    FillMembers(call->response());
    call->Reply();
  });
}

// The ID is new each time, also for URLs that a member had before.
void ClusterService::Add(AddCall* call) {
  const MemberAddRequest& request = call->request();
  if (absl::Status fits = CheckUrls(request.peerurls()); !fits.ok()) return call->Finish(fits);
  std::random_device random;
  MemberChange change;
  change.set_kind(MemberChange::ADD);
  etcdserverpb::Member& member = *change.mutable_member();
  member.set_id(AddedMemberId({request.peerurls().begin(), request.peerurls().end()},
                              api_.server->cluster_id(), uint64_t{random()} << 32 | random()));
  *member.mutable_peerurls() = request.peerurls();
  member.set_islearner(request.islearner());
  *call->response().mutable_member() = member;
  ChangeAndReply(call, std::move(change));
}

void ClusterService::List(ListCall* call) {
  auto reply = [this, call](const absl::Status& recent) {
    if (!recent.ok()) return call->Finish(recent);
    FillMembers(call->response());
    call->Reply();
  };
  if (call->request().linearizable()) return api_.server->LinearizableRead(reply);
  reply(absl::OkStatus());
}

void ClusterService::Promote(PromoteCall* call) {
  api_.server->PromoteMember(call->request().id(), [this, call](absl::StatusOr<bool> promoted) {
    if (!promoted.ok()) return call->Finish(promoted.status());
    // Another member may have made the change: we shall know of it once we have applied it.
    api_.server->LinearizableRead([this, call](const absl::Status& recent) {
      if (!recent.ok()) return call->Finish(recent);
      FillMembers(call->response());
      call->Reply();
    });
  });
}

}  // namespace raftexample
