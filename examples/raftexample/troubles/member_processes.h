// The members of a cluster as processes of their own, which can be killed, stopped and slowed down.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TROUBLES_MEMBER_PROCESSES_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TROUBLES_MEMBER_PROCESSES_H_

#include <grpcpp/channel.h>
#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "examples/raftexample/proto/rpc.grpc.pb.h"
#include "examples/raftexample/troubles/networks.h"

namespace raftexample {

struct MemberOptions {
  std::string server;  // The program.
  int members = 3;
  std::string directory;                    // For data and logs; must exist.
  std::vector<std::string> flags;           // More, for each member.
  std::string slow_disk;                    // slow_disk.so; empty: disks cannot be slowed down.
  const Networks* networks = nullptr;       // Null: all on the loopback interface.
  std::chrono::milliseconds timeout{2000};  // Of the requests made here.
};

// Members die with it. Start, Kill and the like from one thread; the stubs from any.
class MemberProcesses {
 public:
  explicit MemberProcesses(const MemberOptions& options);
  MemberProcesses(const MemberProcesses&) = delete;
  ~MemberProcesses();

  int size() const { return static_cast<int>(members_.size()); }
  etcdserverpb::KV::Stub& keys(int i) { return *members_[i].keys; }
  etcdserverpb::Maintenance::Stub& maintenance(int i) { return *members_[i].maintenance; }
  const std::shared_ptr<grpc::Channel>& channel(int i) { return members_[i].channel; }

  void Start(int i);
  void Kill(int i);
  void Stop(int i);      // SIGSTOP.
  void Continue(int i);  // SIGCONT.
  // What the member syncs takes so much longer; zero: as long as it takes.
  void SlowDisk(int i, std::chrono::milliseconds more);

  // Until a linearizable read has gone through. False: it did not within a minute, or some member
  // has ended by itself.
  bool AwaitServing(int i);
  bool AwaitAllServing();

  // Who leads, as far as any member knows; the first one if none answers.
  int Leader();

 private:
  struct Member {
    std::string client, peer, log, slow_disk;
    std::vector<std::string> command;
    pid_t pid = 0;
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<etcdserverpb::KV::Stub> keys;
    std::unique_ptr<etcdserverpb::Maintenance::Stub> maintenance;
  };

  void Become(int i, pid_t parent);  // In the child.
  bool AllRun();

  const MemberOptions options_;
  std::vector<Member> members_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TROUBLES_MEMBER_PROCESSES_H_
