#include "examples/raftexample/troubles/member_processes.h"

#include <fcntl.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "examples/raftexample/testing/free_port.h"

namespace raftexample {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);  // Until a member must serve again.

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 10);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

MemberProcesses::MemberProcesses(const MemberOptions& options)
    : options_(options), members_(options.members) {
  std::vector<std::string> cluster;
  for (int i = 0; i < size(); ++i) {
    Member& member = members_[i];
    const bool own_network = options_.networks != nullptr;
    const std::string host = own_network ? options_.networks->AddressOf(i) : "127.0.0.1";
    member.client = absl::StrCat(host, ":", own_network ? 2379 : FreePort());
    member.peer = absl::StrCat("http://", host, ":", own_network ? 2380 : FreePort());
    member.log = absl::StrCat(options_.directory, "/m", i, ".log");
    member.slow_disk = absl::StrCat(options_.directory, "/m", i, ".slow");
    cluster.push_back(absl::StrCat("m", i, "=", member.peer));
  }
  for (int i = 0; i < size(); ++i) {
    Member& member = members_[i];
    const std::string client = "http://" + member.client;
    member.command = {options_.server,
                      absl::StrCat("--name=m", i),
                      absl::StrCat("--data-dir=", options_.directory, "/m", i),
                      "--listen-client-urls=" + client,
                      "--advertise-client-urls=" + client,
                      "--listen-peer-urls=" + member.peer,
                      "--initial-advertise-peer-urls=" + member.peer,
                      "--initial-cluster=" + absl::StrJoin(cluster, ",")};
    member.command.insert(member.command.end(), options_.flags.begin(), options_.flags.end());
    member.channel = Connect(member.client);
    member.keys = etcdserverpb::KV::NewStub(member.channel);
    member.maintenance = etcdserverpb::Maintenance::NewStub(member.channel);
  }
}

MemberProcesses::~MemberProcesses() {
  for (int i = 0; i < size(); ++i) Kill(i);
}

void MemberProcesses::Start(int i) {
  const pid_t parent = getpid();
  while ((members_[i].pid = fork()) < 0) {
    std::perror("troubles: fork");
    absl::SleepFor(absl::Seconds(1));
  }
  if (members_[i].pid == 0) Become(i, parent);
}

void MemberProcesses::Become(int i, pid_t parent) {
  Member& member = members_[i];
  std::vector<char*> arguments;
  for (std::string& word : member.command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  if (options_.networks != nullptr) options_.networks->Enter(i);
  if (!options_.slow_disk.empty()) {
    // AddressSanitizer wants to come first, but can do without.
    const char* const asan = getenv("ASAN_OPTIONS");
    setenv("ASAN_OPTIONS",
           absl::StrCat(asan == nullptr ? "" : asan, ":verify_asan_link_order=0").c_str(), 1);
    setenv("LD_PRELOAD", options_.slow_disk.c_str(), 1);
    setenv("SLOW_DISK", member.slow_disk.c_str(), 1);
  }
  const int log = open(member.log.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv(arguments[0], arguments.data());
  _exit(127);
}

void MemberProcesses::Kill(int i) {
  if (members_[i].pid <= 0) return;
  kill(members_[i].pid, SIGKILL);
  waitpid(members_[i].pid, nullptr, 0);
  members_[i].pid = 0;
}

void MemberProcesses::Stop(int i) {
  if (members_[i].pid > 0) kill(members_[i].pid, SIGSTOP);
}

void MemberProcesses::Continue(int i) {
  if (members_[i].pid > 0) kill(members_[i].pid, SIGCONT);
}

void MemberProcesses::SlowDisk(int i, std::chrono::milliseconds more) {
  if (more.count() > 0) {
    std::ofstream(members_[i].slow_disk) << more.count();
  } else {
    std::filesystem::remove(members_[i].slow_disk);
  }
}

bool MemberProcesses::AwaitServing(int i) {
  const absl::Time deadline = absl::Now() + kPatience;
  grpc::Status asked;
  while (absl::Now() < deadline && AllRun()) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);  // Or it fails at once, and nobody attends to connecting.
    context.set_deadline(std::chrono::system_clock::now() + options_.timeout);
    etcdserverpb::RangeRequest request;
    etcdserverpb::RangeResponse response;
    request.set_key("k");
    asked = keys(i).Range(&context, request, &response);
    if (asked.ok()) return true;
    absl::SleepFor(absl::Milliseconds(2));
  }
  std::fprintf(stderr, "troubles: member %d does not serve: %s; see %s\n", i,
               asked.error_message().c_str(), options_.directory.c_str());
  return false;
}

bool MemberProcesses::AwaitAllServing() {
  for (int i = 0; i < size(); ++i) {
    if (!AwaitServing(i)) return false;
  }
  return true;
}

bool MemberProcesses::AllRun() {
  for (int i = 0; i < size(); ++i) {
    int status = 0;
    if (members_[i].pid > 0 && waitpid(members_[i].pid, &status, WNOHANG) > 0) {
      members_[i].pid = 0;
      std::fprintf(stderr, "troubles: member %d has ended by itself, status %x\n", i, status);
      return false;
    }
  }
  return true;
}

int MemberProcesses::Leader() {
  for (int i = 0; i < size(); ++i) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + options_.timeout);
    etcdserverpb::StatusResponse response;
    const grpc::Status asked =
        maintenance(i).Status(&context, etcdserverpb::StatusRequest(), &response);
    if (asked.ok() && response.leader() == response.header().member_id()) return i;
  }
  return 0;
}

}  // namespace raftexample
