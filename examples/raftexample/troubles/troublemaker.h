// What happens to members, one trouble after the other.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TROUBLES_TROUBLEMAKER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TROUBLES_TROUBLEMAKER_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "examples/raftexample/troubles/member_processes.h"
#include "examples/raftexample/troubles/networks.h"

namespace raftexample {

enum class Trouble : uint8_t {
  kKill,       // SIGKILL, of one member, the leader more often than not, of two, or of all.
  kPause,      // SIGSTOP for longer than an election takes, then SIGCONT.
  kPartition,  // One member cut off, heard and not hearing or the reverse, or between two others.
  kSlowDisk,   // Every sync of one member takes up to an election timeout.
};

// "kill", "pause", "partition", "slow_disk".
absl::StatusOr<Trouble> TroubleNamed(absl::string_view name);

class Troublemaker {
 public:
  // All outlive it; `networks` may be null if no lines are to be cut.
  Troublemaker(MemberProcesses* members, Networks* networks, uint64_t seed)
      : members_(*members), networks_(networks), random_(seed) {}

  // From a trouble's beginning until all members serve again. False: one does not.
  bool Make(Trouble trouble);

  // How long it took from the end of the troubles until the members concerned served.
  void PrintTimes();

 private:
  class Times {
   public:
    void Add(absl::Duration time) { millis_.push_back(absl::ToDoubleMilliseconds(time)); }
    void Print(const char* what);

   private:
    std::vector<double> millis_;
  };

  bool Kill();
  bool Pause();
  bool Partition();
  bool SlowDisk();
  int Victim(int leader);
  void CutLines(int victim);
  void Last(int at_least_millis, int at_most_millis);
  bool AwaitAfter(Times& times);

  MemberProcesses& members_;
  Networks* const networks_;
  std::mt19937_64 random_;
  Times killed_followers_, killed_leaders_, paused_, cut_off_, slow_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TROUBLES_TROUBLEMAKER_H_
