// A simulated server's disk with the real code of storage/ on it, on files that fail.
#ifndef RAFT_RAFTTEST_WAL_DISK_H_
#define RAFT_RAFTTEST_WAL_DISK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/types/optional.h"
#include "rafttest/faults.h"
#include "rafttest/hashed_log.h"
#include "rafttest/random.h"
#include "rafttest/sim_disk.h"
#include "storage/disk_storage.h"
#include "storage/faulty_file_system.h"
#include "storage/log_store.h"

namespace rafttest {

// How often things happened.
struct DiskCoverage {
  uint64_t power_cuts = 0;
  uint64_t process_deaths = 0;
  uint64_t cuts_while_recovering = 0;
  uint64_t io_errors = 0;
  uint64_t sync_failures = 0;
  uint64_t no_space = 0;
  uint64_t short_operations = 0;
  uint64_t torn_tails = 0;
  uint64_t rot_refused = 0;   // Damage that was noticed,
  uint64_t rot_harmless = 0;  // that changed nothing,
  uint64_t rot_cut = 0;       // that looked like a torn tail, in the last batch.
  uint64_t batches = 0;

  void Add(const DiskCoverage& other);
};

// Faults come from the hook of FaultyFileSystem: each operation may fail, be short, or be the last
// before the power goes. After each crash the log is opened at once, perhaps with another power cut
// inside, and what it gives back is held against what it had promised: all that was acknowledged,
// and of the batches under way a beginning, each of them whole (Q1 of docs/storage-format.md).
// Then the same is tried with a copy of the disk that has one damaged byte: it must be noticed.
class WalDisk : public SimDisk {
 public:
  WalDisk(raft::NodeId id, const Faults& faults, Random random);
  ~WalDisk() override;

  raft::Storage& storage() override;
  absl::Status Found(const raftpb::SnapshotPtr& snapshot) override;
  absl::StatusOr<raftpb::SnapshotPtr> Open() override;
  absl::Status Write(const Batch& batch) override;
  absl::Status SaveSnapshot(raft::EntryId id, const raftpb::ConfState& conf_state,
                            const absl::Cord& data) override;
  absl::Status Compact(raft::Index index) override;
  absl::StatusOr<std::vector<Batch>> Crash(Random& random,
                                           absl::Span<const Batch> under_way) override;

  const DiskCoverage& coverage() const { return coverage_; }
  storage::FaultyFileSystem& files() { return *files_; }

 private:
  class Storage;

  // What a disk has promised, or may turn out to have.
  struct Content {
    HashedLog log;
    raftpb::HardState hard_state;
    raft::Index snapshot = 0;
  };

  static void Apply(const Batch& batch, Content& content);
  absl::StatusOr<std::unique_ptr<storage::DiskStorage>> OpenOn(storage::FileSystem& files) const;
  storage::DiskFault FaultFor(const storage::DiskOperation& operation);
  // Which of the contents a storage has.
  absl::StatusOr<size_t> Find(const storage::DiskStorage& storage,
                              absl::Span<const Content> candidates) const;
  absl::Status CheckRot(storage::FaultyFileSystem& copy, absl::Span<const Content> candidates);
  absl::Status AfterPowerCut(absl::Status status);
  void CutPowerAfter(uint64_t operations) { operations_left_ = operations; }

  const Faults& faults_;
  Random random_;
  storage::LogOptions log_options_;
  std::unique_ptr<storage::FaultyFileSystem> files_;
  std::unique_ptr<storage::DiskStorage> disk_;  // Null while nothing is open.
  std::unique_ptr<Storage> storage_;

  bool faulty_ = false;                       // Whether the hook may make operations fail.
  absl::optional<uint64_t> operations_left_;  // Until the power goes.
  bool power_gone_ = false;
  Content promised_;
  raft::Index synced_commit_ = 0;
  std::map<raft::Index, absl::Cord> snapshots_;  // Saved, or being saved, by index.
  DiskCoverage coverage_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_WAL_DISK_H_
