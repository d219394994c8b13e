// A client that watches all keys through every trouble, and what it must have seen in the end.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TROUBLES_WATCHER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TROUBLES_WATCHER_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "examples/raftexample/testing/history.h"
#include "examples/raftexample/troubles/member_processes.h"

namespace raftexample {

// Follows the keys that begin with "k/" at one member after the other, each time from where it was.
class Watcher {
 public:
  Watcher(MemberProcesses* members, uint64_t seed);

  // Ends it when it has got everything up to this revision. What was wrong: an acknowledged write
  // without its event, a revision that comes twice or after a later one, one revision in two
  // responses.
  std::vector<std::string> Finish(int64_t revision, const std::vector<History::Write>& writes);
  size_t events() const { return events_.size(); }
  int streams() const { return streams_; }

 private:
  void Run(uint64_t seed);
  void Follow(int member);
  void Take(const etcdserverpb::WatchResponse& response);
  void Complain(std::string what);

  MemberProcesses* const members_;
  std::atomic<int64_t> last_{INT64_MAX};
  int64_t seen_ = 1;
  int streams_ = 0;
  std::map<std::pair<int64_t, std::string>, std::string> events_;  // (revision, key) -> value.
  std::vector<std::string> complaints_;
  std::thread thread_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TROUBLES_WATCHER_H_
