// raftexample: one member of a replicated key-value store that clients of etcd can talk to.

#include <grpc/support/log.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "examples/raftexample/api/api_server.h"
#include "examples/raftexample/server/config.h"
#include "examples/raftexample/server/json_logger.h"
#include "examples/raftexample/server/server.h"

namespace raftexample {
namespace {

// How long running calls may go on after the member was asked to end.
constexpr std::chrono::milliseconds kGrace{300};

// Why the process is to end: the first reason counts.
class End {
 public:
  void Set(absl::Status why) {
    absl::MutexLock lock(&mutex_);
    if (!why_.has_value()) why_ = std::move(why);
  }
  absl::Status Await() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &End::IsSet));
    return *why_;
  }

 private:
  bool IsSet() const { return why_.has_value(); }

  absl::Mutex mutex_;
  absl::optional<absl::Status> why_;
};

// Lives as long as the process: its thread waits for signals to the last.
End& TheEnd() {
  static auto& end = *new End;
  return end;
}

// SIGTERM and SIGINT end the process in good order. Before any other thread is started.
void WatchSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  std::thread([signals] {
    int signal = 0;
    sigwait(&signals, &signal);
    TheEnd().Set(absl::OkStatus());
  }).detach();
}

int Fail(const absl::Status& why) {
  std::fprintf(stderr, "raftexample: %s\n", std::string(why.message()).c_str());
  return 1;
}

int Run(const ServerConfig& config) {
  JsonLogger logger(config.log_level, config.name);
  absl::StatusOr<std::unique_ptr<Server>> server =
      Server::Start(config, &logger, [](absl::Status why) { TheEnd().Set(std::move(why)); });
  if (!server.ok()) return Fail(server.status());
  (*server)->AwaitReady(2 * absl::FromChrono(config.election_timeout));
  absl::StatusOr<std::unique_ptr<ApiServer>> api = ApiServer::Start(server->get());
  if (!api.ok()) {
    (*server)->Stop();
    return Fail(api.status());
  }
  RAFT_LOG(&logger, kInfo, "serving clients at ", config.listen_client_urls.front().ToString());

  const absl::Status end = TheEnd().Await();
  // Calls that wait for the server end when it does, and the API ends when they have.
  std::thread stop_api([&api] { (*api)->Shutdown(kGrace); });
  (*server)->Stop();
  stop_api.join();
  return end.ok() ? 0 : Fail(end);
}

int Main(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") {
      std::printf("usage: raftexample [--FLAG=VALUE...]\n\n%s", FlagHelp().c_str());
      return 0;
    }
    if (argument == "--version") {
      std::printf("raftexample, serving the API of etcd %s\n", kApiVersion);
      return 0;
    }
  }
  const absl::StatusOr<ServerConfig> config =
      ParseConfig(arguments, [](const char* name) -> const char* { return std::getenv(name); });
  if (!config.ok()) return Fail(config.status());
  umask(077);
  if (std::getenv("GRPC_VERBOSITY") == nullptr) {
    gpr_set_log_function([](gpr_log_func_args*) {});  // What matters comes back as a status.
  }
  // Debian's Abseil looks for lock cycles in every build, at a price.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  WatchSignals();
  return Run(*config);
}

}  // namespace
}  // namespace raftexample

int main(int argc, char** argv) {
  return raftexample::Main(std::vector<std::string>(argv + 1, argv + argc));
}
