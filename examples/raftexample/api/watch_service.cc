#include "examples/raftexample/api/watch_service.h"

#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/watch/watch_hub.h"

namespace raftexample {

using etcdserverpb::WatchRequest;

namespace {

// How a Go client prints the status of a call. It compares the whole text to decide whether to log
// in again.
std::string GoText(const absl::Status& status) {
  const char* code = "Unknown";
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument: code = "InvalidArgument"; break;
    case absl::StatusCode::kPermissionDenied: code = "PermissionDenied"; break;
    case absl::StatusCode::kUnauthenticated: code = "Unauthenticated"; break;
    case absl::StatusCode::kUnavailable: code = "Unavailable"; break;
    default: break;
  }
  return absl::StrCat("rpc error: code = ", code, " desc = ", status.message());
}

bool Parse(const grpc::ByteBuffer& buffer, WatchRequest& request) {
  grpc::Slice whole;
  if (!buffer.DumpToSingleSlice(&whole).ok()) return false;
  return request.ParseFromArray(whole.begin(), static_cast<int>(whole.size()));
}

// The hub says what there is to send, and the stream takes one response at a time: a client that
// does not read holds up nobody.
class WatchHandler final : public rpc::StreamHandler<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  WatchHandler(const ApiContext& api, const grpc::ServerContext& context, LeaderWatch* leader_watch)
      : api_(api), context_(context), leader_watch_(leader_watch) {}

  void OnStart(std::shared_ptr<rpc::StreamControl> control, const rpc::CallInfo& call) override {
    control_ = std::move(control);
    call_ = call;
    if (ClientGate::RequiresLeader(context_)) leader_watch_->Add(control_);
    // The hub may call after the stream has ended, until the watches are gone: harmless.
    watches_ = api_.server->state().watches().OpenStream([control = control_] { control->Wake(); });
    control_->ReadNext();
  }

  void OnRequest(grpc::ByteBuffer& bytes) override {
    WatchRequest request;
    if (!Parse(bytes, request)) {
      return control_->End(absl::InvalidArgumentError("not a watch request"));
    }
    switch (request.request_union_case()) {
      case WatchRequest::kCreateRequest: Create(request); break;
      case WatchRequest::kCancelRequest:
        watches_->Cancel(request.cancel_request().watch_id());
        break;
      case WatchRequest::kProgressRequest: watches_->RequestProgress(); break;
      default: break;
    }
    // A client that asks without listening is heard again when it has listened.
    is_paused_ = true;
    MaybeReadNext();
  }

  void OnRequestsDone() override {}  // The client goes on listening.

  absl::optional<grpc::ByteBuffer> NextResponse() override {
    absl::optional<WatchOutput> output = watches_->Next();
    MaybeReadNext();
    if (!output.has_value()) return absl::nullopt;
    FillIds(*api_.server, output->head.mutable_header());
    const grpc::Slice slice(output->Serialize());
    return grpc::ByteBuffer(&slice, 1);
  }

 private:
  void Create(const WatchRequest& request) {
    if (api_.server->state().auth().enabled()) {
      absl::Status allowed = api_.gate->Recheck(context_, request, call_);
      if (!allowed.ok()) return watches_->Refuse(GoText(allowed));
    }
    watches_->Create(request.create_request());
  }

  void MaybeReadNext() {
    if (!watches_->backlogged() && is_paused_.exchange(false)) control_->ReadNext();
  }

  const ApiContext api_;
  const grpc::ServerContext& context_;  // As long as the handler.
  LeaderWatch* const leader_watch_;
  rpc::CallInfo call_;
  std::shared_ptr<rpc::StreamControl> control_;
  std::unique_ptr<WatchStream> watches_;
  std::atomic<bool> is_paused_{false};  // The next request has not been asked for.
};

}  // namespace

void WatchService::AddTo(rpc::Server& server) {
  server.AddService(&service_);
  server.HandleStream(
      rpc::StreamMethod<Service, grpc::ByteBuffer, grpc::ByteBuffer>{
          "/etcdserverpb.Watch/Watch", &service_, &Service::RequestWatch,
          [this](const grpc::ServerContext& context) {
            return std::make_unique<WatchHandler>(api_, context, leader_watch_);
          }},
      api_.gate);
}

}  // namespace raftexample
