// Everything a member has on disk, opened and held against each other.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_MEMBER_STORAGE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_MEMBER_STORAGE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/raftexample/apply/state_machine.h"
#include "examples/raftexample/server/config.h"
#include "examples/raftexample/server/data_directory.h"
#include "raft/logger.h"
#include "raft/peer.h"
#include "storage/disk_storage.h"
#include "storage/log_store.h"
#include "storage/snapshot_store.h"

namespace raftexample {

// The log, its snapshots, and the state machine. The log is cut where the state machine has durably
// applied it, so a snapshot there is only a position: the state is in the store. Declared in the
// order in which they use each other.
struct MemberStorage {
  storage::Identity identity;
  std::unique_ptr<DataDirectory> directory;
  std::unique_ptr<storage::LogStore> log;
  std::unique_ptr<storage::SnapshotStore> snapshots;
  std::unique_ptr<StateMachine> state;
  std::unique_ptr<storage::DiskStorage> storage;

  // Not empty: the group is yet to be founded, with these.
  std::vector<raft::Peer> founders;
  // Whom to talk to before the log says who the members are.
  std::vector<etcdserverpb::Member> known_members;
};

// What a new member needs to know, for both ways of becoming one.
struct Foundation {
  DataDirectory::Identity identity;
  std::vector<etcdserverpb::Member> members;  // All founders, or all members of the cluster.
};
// From --initial-cluster alone.
Foundation FoundCluster(const ServerConfig& config);
// By asking the other members of --initial-cluster. FailedPrecondition if they do not know us.
absl::StatusOr<Foundation> JoinCluster(const ServerConfig& config);

// Opens a member, or founds it if there is none yet. Errors: see DataDirectory, LogStore and
// StateMachine; every text names a file or directory.
absl::StatusOr<MemberStorage> OpenMemberStorage(const ServerConfig& config,
                                                StateMachine::Options state_options,
                                                raft::Logger* logger);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_MEMBER_STORAGE_H_
