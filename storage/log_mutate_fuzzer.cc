// Damages a sound log in chosen places: the input is a list of (file, offset, byte). What opens
// must be what was written, or that without its last batch.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <string>

#include "storage/errors.h"
#include "storage/faulty_file_system.h"
#include "storage/log_store.h"
#include "storage/testing.h"

namespace {

constexpr raft::Index kBatches = 20;

storage::LogOptions Options() {
  storage::LogOptions options;
  options.identity = {7, 1};
  options.segment_bytes = 4096;
  return options;
}

std::map<std::string, std::string> SoundLog() {
  storage::FaultyFileSystem fs;
  auto log = *storage::LogStore::Create(fs, "log", Options());
  for (raft::Index index = 1; index <= kBatches; ++index) {
    storage::LogBatch batch;
    batch.Append(5, storage::MakeEntries(1, index, 1, 100 * (index % 7)));
    batch.SetHardState(5, {1, 1, index});
    if (!log->Write(batch).ok()) std::abort();
  }
  log.reset();
  return fs.Contents();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::map<std::string, std::string>* const sound =
      new std::map<std::string, std::string>(SoundLog());
  std::map<std::string, std::string> files = *sound;
  for (; size >= 4; data += 4, size -= 4) {
    auto it = files.begin();
    std::advance(it, data[0] % files.size());
    if (it->second.empty()) continue;
    it->second[(data[1] | data[2] << 8) % it->second.size()] = static_cast<char>(data[3]);
  }
  storage::FaultyFileSystem fs;
  (void)fs.CreateDirectory("log");
  for (const auto& [path, contents] : files) fs.Put(path, contents);
  const auto log = storage::LogStore::Open(fs, "log", Options());
  if (!log.ok()) {
    if (!storage::ErrorInfoOf(log.status()).has_value()) std::abort();
    return 0;
  }
  // More than one place can be damaged, the mark included: a tail of several batches can go, but
  // what is there is what was written.
  const raft::Index last = (*log)->LastIndex(5);
  if (last > kBatches) std::abort();
  for (raft::Index index = 1; index <= last; ++index) {
    const auto entries = (*log)->Entries(5, {index, index + 1}, 0);
    if (!entries.ok() || !(*entries == storage::MakeEntries(1, index, 1, 100 * (index % 7)))) {
      std::abort();
    }
  }
  return 0;
}
