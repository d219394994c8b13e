// Opens a directory whose files are arbitrary bytes. The input is a list of files: a byte that
// chooses the name, two bytes of length, the contents; what is left is the last one's.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "storage/errors.h"
#include "storage/faulty_file_system.h"
#include "storage/log_store.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static constexpr const char* kNames[] = {"log/0000000000000001.wal", "log/0000000000000002.wal",
                                           "log/0000000000000003.wal", "log/MARK", "log/x.tmp"};
  storage::FaultyFileSystem fs;
  (void)fs.CreateDirectory("log");
  absl::string_view rest(reinterpret_cast<const char*>(data), size);
  while (rest.size() >= 3) {
    const std::string name = kNames[static_cast<uint8_t>(rest[0]) % 5];
    const size_t length = static_cast<uint8_t>(rest[1]) | static_cast<uint8_t>(rest[2]) << 8;
    rest.remove_prefix(3);
    fs.Put(name, rest.substr(0, length));
    rest.remove_prefix(std::min(length, rest.size()));
  }
  storage::LogOptions options;
  options.identity = {7, 1};
  options.segment_bytes = 4096;
  const auto log = storage::LogStore::Open(fs, "log", options);
  if (!log.ok()) {
    if (!storage::ErrorInfoOf(log.status()).has_value()) std::abort();
    return 0;
  }
  for (storage::GroupId group : (*log)->Groups()) {
    const auto state = *(*log)->Find(group);
    if (state.last.index == state.compacted.index) continue;
    if (!(*log)->Entries(group, {state.compacted.index + 1, state.last.index + 1}, 1000).ok()) {
      std::abort();  // It was sound a moment ago.
    }
  }
  if (!(*log)->Close().ok()) std::abort();
  return 0;
}
