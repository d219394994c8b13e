#include "examples/raftexample/api/lock_service.h"

#include <memory>
#include <utility>

#include "examples/raftexample/api/place_in_line.h"
#include "examples/raftexample/mvcc/txn_check.h"

namespace raftexample {

using internal::Command;
using v3lockpb::LockRequest;
using v3lockpb::LockResponse;
using v3lockpb::UnlockRequest;
using v3lockpb::UnlockResponse;

void LockService::AddTo(rpc::Server& server) {
  using Service = v3lockpb::Lock::AsyncService;
  server.AddService(&service_);
  server.HandleWaiting(
      rpc::WaitingMethod<Service, LockRequest, LockResponse>{
          "/v3lockpb.Lock/Lock", &service_, &Service::RequestLock,
          [this](LockCall* call) { Lock(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, UnlockRequest, UnlockResponse>{
          "/v3lockpb.Lock/Unlock", &service_, &Service::RequestUnlock,
          [this](UnlockCall* call) { Unlock(call); }},
      api_.gate);
}

void LockService::Lock(LockCall* call) {
  const std::shared_ptr<PlaceInLine> place = PlaceInLine::Create(
      api_.server,
      {.name = call->request().name(), .lease = call->request().lease(), .value = absl::nullopt},
      [api = api_, call](Command command, Server::Done done) {
        ProposeFor(api, call, std::move(command), call->info(), std::move(done));
      },
      [api = api_, call](absl::StatusOr<Turn> turn) {
        if (!turn.ok()) return call->Finish(turn.status());
        FillHeader(*api.server, turn->revision, call->response().mutable_header());
        call->response().set_key(turn->key);
        call->Reply();
      });
  call->OnGone([place] { place->Leave(); });
  place->Join();
}

void LockService::Unlock(UnlockCall* call) {
  Command command;
  command.mutable_delete_range()->set_key(call->request().key());
  absl::Status fits = CheckDeleteRange(command.delete_range());
  if (!fits.ok()) return call->Finish(fits);
  ProposeAndReply(api_, call, std::move(command));
}

}  // namespace raftexample
