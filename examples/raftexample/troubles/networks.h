// A network namespace for each member, so that lines between members can be cut while clients still
// reach them all.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TROUBLES_NETWORKS_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TROUBLES_NETWORKS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace raftexample {

// Namespaces on a bridge of their own, which this process is on as well; all gone when this is. A
// line is cut by a route that leads nowhere. Needs root and iproute2. Not thread-safe.
class Networks {
 public:
  // PermissionDenied or Unavailable, with what `ip` said, if there cannot be any here.
  static absl::StatusOr<std::unique_ptr<Networks>> Create(int members);
  Networks(const Networks&) = delete;
  ~Networks();

  std::string AddressOf(int member) const;
  // For a child that becomes the member's process.
  void Enter(int member) const;

  // Nothing that `from` sends arrives at `to`; the other direction stays as it is.
  void Cut(int from, int to);
  void HealAll();

 private:
  explicit Networks(int members);
  absl::Status Build();
  std::string NameOf(int member) const;

  const int members_;
  const std::string prefix_;  // Of the names, for several runs side by side.
  const int subnet_;
  std::vector<std::pair<int, int>> cuts_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TROUBLES_NETWORKS_H_
