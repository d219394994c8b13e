#include "examples/raftexample/api/api_server.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "examples/raftexample/api/auth_service.h"
#include "examples/raftexample/api/client_gate.h"
#include "examples/raftexample/api/cluster_service.h"
#include "examples/raftexample/api/election_service.h"
#include "examples/raftexample/api/health.grpc.pb.h"
#include "examples/raftexample/api/kv_service.h"
#include "examples/raftexample/api/leader_watch.h"
#include "examples/raftexample/api/lease_service.h"
#include "examples/raftexample/api/lock_service.h"
#include "examples/raftexample/api/maintenance_service.h"
#include "examples/raftexample/api/watch_service.h"
#include "examples/raftexample/http/front_door.h"
#include "examples/raftexample/rpc/credentials.h"
#include "examples/raftexample/rpc/server.h"
#include "examples/raftexample/server/ticker.h"
#include "examples/raftexample/site/site.h"

namespace raftexample {
namespace {

// What gRPC itself takes beyond a request of the largest size.
constexpr int kGrpcOverheadBytes = 512 * 1024;

// Half of the processors: the other half applies, replicates, and serves as clients in tests.
int Loops() { return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 2, 1, 8); }

class GrpcApiServer final : public ApiServer {
 public:
  explicit GrpcApiServer(Server* server)
      : server_(server),
        gate_(server),
        site_(server),
        rpc_({.loops = Loops(),
              .max_receive_bytes =
                  static_cast<int>(server->config().max_request_bytes) + kGrpcOverheadBytes,
              .max_concurrent_streams = server->config().max_concurrent_streams}),
        door_([this](const auto& request, auto answer) { site_.Serve(request, std::move(answer)); },
              server->config().client_tls) {}
  ~GrpcApiServer() override { Shutdown(std::chrono::milliseconds(0)); }

  absl::Status Start() {
    kv_.AddTo(rpc_);
    watch_.AddTo(rpc_);
    lease_.AddTo(rpc_);
    cluster_.AddTo(rpc_);
    maintenance_.AddTo(rpc_);
    auth_.AddTo(rpc_);
    lock_.AddTo(rpc_);
    election_.AddTo(rpc_);
    AddHealth();
    for (const Url& url : server_->config().listen_client_urls) {
      absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> credentials =
          rpc::ListenCredentials(url, server_->config().client_tls);
      if (!credentials.ok()) return credentials.status();
      absl::Status opened = door_.Open(url, rpc_.TakeConnections(*credentials));
      if (!opened.ok()) return opened;
    }
    for (const Url& url : server_->config().listen_metrics_urls) {
      if (absl::Status opened = door_.Open(url, nullptr); !opened.ok()) return opened;
    }
    ticker_.Every(absl::Milliseconds(100), [this] { WatchLeader(); });
    ticker_.Every(absl::Seconds(10), [this] { leader_watch_.Sweep(); });
    ticker_.Start();
    if (absl::Status started = rpc_.Start(); !started.ok()) return started;
    door_.Start();
    return absl::OkStatus();
  }

  void Shutdown(std::chrono::milliseconds grace) override {
    ticker_.Stop();
    door_.Close();  // Before the end of those to whom it hands connections.
    rpc_.Shutdown(grace);
  }

 private:
  void WatchLeader() {
    if (server_->leaderless() >= 3 * absl::FromChrono(server_->config().election_timeout)) {
      leader_watch_.EndAll();
    }
  }

  void AddHealth() {
    using Service = grpc::health::v1::Health::AsyncService;
    using grpc::health::v1::HealthCheckRequest;
    using grpc::health::v1::HealthCheckResponse;
    rpc_.AddService(&health_);
    rpc_.Handle(
        rpc::UnaryMethod<Service, HealthCheckRequest, HealthCheckResponse>{
            "/grpc.health.v1.Health/Check", &health_, &Service::RequestCheck,
            [](rpc::UnaryCall<HealthCheckRequest, HealthCheckResponse>* call) {
              if (!call->request().service().empty()) {
                return call->Finish(absl::NotFoundError("unknown service"));
              }
              call->response().set_status(HealthCheckResponse::SERVING);
              call->Reply();
            }},
        &gate_);
  }

  Server* const server_;
  ClientGate gate_;
  const ApiContext api_{server_, &gate_};
  LeaderWatch leader_watch_;
  KvService kv_{api_};
  WatchService watch_{api_, &leader_watch_};
  LeaseService lease_{api_, &leader_watch_};
  ClusterService cluster_{api_};
  MaintenanceService maintenance_{api_};
  AuthService auth_{api_};
  LockService lock_{api_};
  ElectionService election_{api_};
  grpc::health::v1::Health::AsyncService health_;
  Ticker ticker_;
  Site site_;
  rpc::Server rpc_;  // Its calls end before what they use does.
  http::FrontDoor door_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ApiServer>> ApiServer::Start(Server* server) {
  auto api = std::make_unique<GrpcApiServer>(server);
  if (absl::Status started = api->Start(); !started.ok()) return started;
  return api;
}

}  // namespace raftexample
