#include "examples/raftexample/api/kv_service.h"

#include <utility>
#include <variant>

#include "examples/raftexample/mvcc/txn.h"
#include "examples/raftexample/mvcc/txn_check.h"
#include "examples/raftexample/proto/errors.h"

namespace raftexample {

using etcdserverpb::CompactionRequest;
using etcdserverpb::CompactionResponse;
using etcdserverpb::DeleteRangeRequest;
using etcdserverpb::DeleteRangeResponse;
using etcdserverpb::PutRequest;
using etcdserverpb::PutResponse;
using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;
using internal::Command;

void KvService::AddTo(rpc::Server& server) {
  using Service = etcdserverpb::KV::AsyncService;
  server.AddService(&service_);
  server.Handle(
      rpc::UnaryMethod<Service, RangeRequest, RangeResponse>{
          "/etcdserverpb.KV/Range", &service_, &Service::RequestRange,
          [this](RangeCall* call) { Range(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, PutRequest, PutResponse>{"/etcdserverpb.KV/Put", &service_,
                                                         &Service::RequestPut,
                                                         [this](PutCall* call) { Put(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, DeleteRangeRequest, DeleteRangeResponse>{
          "/etcdserverpb.KV/DeleteRange", &service_, &Service::RequestDeleteRange,
          [this](DeleteRangeCall* call) { DeleteRange(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, TxnRequest, TxnResponse>{"/etcdserverpb.KV/Txn", &service_,
                                                         &Service::RequestTxn,
                                                         [this](TxnCall* call) { Txn(call); }},
      api_.gate);
  server.Handle(
      rpc::UnaryMethod<Service, CompactionRequest, CompactionResponse>{
          "/etcdserverpb.KV/Compact", &service_, &Service::RequestCompact,
          [this](CompactCall* call) { Compact(call); }},
      api_.gate);
}

// The rules may have changed while the call waited, so they are asked again where the reading is.
template <typename Call, typename Read>
void KvService::ReadAndReply(Call* call, bool serializable, Size size, Read read) {
  auto reply = [this, call, size, read] {
    if (size == Size::kAny && call->leaves_answers_unread()) {
      return call->Finish(errors::kTooManyRequests);
    }
    absl::Status done;
    if (api_.server->state().auth().enabled()) {
      rpc::CallInfo info = call->info();
      done = api_.gate->Recheck(call->context(), call->request(), info);
    }
    if (done.ok()) done = read(api_.server->state().store(), call->response());
    if (!done.ok()) return call->Finish(done);
    FillIds(*api_.server, call->response().mutable_header());
    call->Reply();
  };
  if (serializable && size == Size::kSmall) return reply();
  if (serializable) return api_.server->Post(reply);
  api_.server->LinearizableRead([this, call, size, reply](const absl::Status& recent) {
    if (!recent.ok()) return call->Finish(recent);
    if (size == Size::kSmall) {
      call->loop()->Post(reply);
    } else {
      api_.server->Post(reply);
    }
  });
}

void KvService::Range(RangeCall* call) {
  const RangeRequest& request = call->request();
  if (absl::Status fits = CheckRange(request); !fits.ok()) return call->Finish(fits);
  ReadAndReply(call, request.serializable(),
               request.range_end().empty() ? Size::kSmall : Size::kAny,
               [call](const Store& store, RangeResponse& response) {
                 return store.Range(call->request(), &response);
               });
}

void KvService::Put(PutCall* call) {
  if (absl::Status fits = CheckPut(call->request()); !fits.ok()) return call->Finish(fits);
  Command command;
  *command.mutable_put() = call->request();
  ProposeAndReply(api_, call, std::move(command),
                  [this](ApplyResult& result, PutResponse& response) {
                    response = std::move(std::get<PutResponse>(result.response));
                    FillHeader(*api_.server, result.revision, response.mutable_header());
                  });
}

void KvService::DeleteRange(DeleteRangeCall* call) {
  if (absl::Status fits = CheckDeleteRange(call->request()); !fits.ok()) return call->Finish(fits);
  Command command;
  *command.mutable_delete_range() = call->request();
  ProposeAndReply(api_, call, std::move(command),
                  [this](ApplyResult& result, DeleteRangeResponse& response) {
                    response = std::move(std::get<DeleteRangeResponse>(result.response));
                    FillHeader(*api_.server, result.revision, response.mutable_header());
                  });
}

void KvService::Txn(TxnCall* call) {
  const TxnRequest& request = call->request();
  absl::Status fits = CheckTxn(request, api_.server->config().max_txn_ops);
  if (!fits.ok()) return call->Finish(fits);
  if (IsReadOnly(request)) {
    return ReadAndReply(call, IsSerializable(request), Size::kAny,
                        [call](const Store& store, TxnResponse& response) {
                          return ReadTxn(call->request(), store, &response);
                        });
  }
  Command command;
  *command.mutable_txn() = request;
  ProposeAndReply(api_, call, std::move(command),
                  [this](ApplyResult& result, TxnResponse& response) {
                    response = std::move(std::get<TxnResponse>(result.response));
                    FillHeader(*api_.server, result.revision, response.mutable_header());
                  });
}

void KvService::Compact(CompactCall* call) {
  Command command;
  *command.mutable_compaction() = call->request();
  if (!call->request().physical()) return ProposeAndReply(api_, call, std::move(command));
  command.mutable_header()->set_user(call->info().user);
  command.mutable_header()->set_auth_revision(call->info().auth_revision);
  api_.server->Propose(std::move(command), [this, call](absl::StatusOr<ApplyResult> result) {
    if (!result.ok()) return call->Finish(result.status());
    if (!result->status.ok()) return call->Finish(result->status);
    FillHeader(*api_.server, result->revision, call->response().mutable_header());
    api_.server->WhenCompacted([call](const absl::Status& done) { call->Finish(done); });
  });
}

}  // namespace raftexample
