// Loads a snapshot file of arbitrary bytes, and goes on writing one that was interrupted.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "storage/errors.h"
#include "storage/faulty_file_system.h"
#include "storage/snapshot_store.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string name = "s/0000000000000009/0000000000000004-0000000000000002";
  storage::SnapshotOptions options;
  options.identity = {7, 1};
  options.chunk_bytes = 8;
  raftpb::Snapshot snapshot;
  snapshot.metadata.conf_state.voters = {1, 2, 3};
  snapshot.metadata.index = 4;
  snapshot.metadata.term = 2;
  snapshot.data = absl::Cord("state machine");

  storage::FaultyFileSystem fs;
  auto store = *storage::SnapshotStore::Open(fs, "s", options);
  (void)fs.CreateDirectory("s/0000000000000009");
  fs.Put(name + ".snap", bytes);
  const auto loaded = store->Load(9, {2, 4});
  if (!loaded.ok() && !storage::ErrorInfoOf(loaded.status()).has_value()) std::abort();
  if (loaded.ok() && (*loaded)->metadata.id() != snapshot.metadata.id()) std::abort();

  fs.Drop(name + ".snap");
  fs.Put(name + ".part", bytes);
  auto writer = store->Write(9, snapshot.metadata);
  if (!writer.ok()) std::abort();
  // Whatever the file holds, what it takes for the beginning has a checksum; the rest is the
  // sender's.
  const uint64_t there = (*writer)->offset();
  if (there > snapshot.data.size()) return 0;
  if (!(*writer)->Append(snapshot.data.Subcord(there, snapshot.data.size() - there)).ok()) {
    std::abort();
  }
  if (!(*writer)->Commit().ok() || !store->Verify(9, snapshot.metadata.id()).ok()) std::abort();
  return 0;
}
