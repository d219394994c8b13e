#include "examples/raftexample/mvcc/revision.h"

namespace raftexample {
namespace {

// Big endian: bytes compare as the numbers do, none of which is negative.
template <typename T>
void Store(T value, char* out) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    out[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
  }
}

template <typename T>
T Load(const char* bytes) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

}  // namespace

std::string EncodeRevisionKey(Revision revision) {
  std::string key(kRevisionKeySize, '\0');
  Store(static_cast<uint64_t>(revision.main), key.data());
  Store(revision.sub, key.data() + sizeof(uint64_t));
  return key;
}

absl::optional<Revision> DecodeRevisionKey(absl::string_view bytes) {
  if (bytes.size() != kRevisionKeySize) return absl::nullopt;
  return Revision{static_cast<int64_t>(Load<uint64_t>(bytes.data())),
                  Load<uint32_t>(bytes.data() + sizeof(uint64_t))};
}

}  // namespace raftexample
