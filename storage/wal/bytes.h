// Little-endian numbers in byte strings.
#ifndef RAFT_STORAGE_WAL_BYTES_H_
#define RAFT_STORAGE_WAL_BYTES_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"

namespace storage::wal {

template <typename T>
void StoreLittleEndian(T value, char* to) {
  static_assert(std::is_unsigned_v<T>);
  unsigned char bytes[sizeof(T)];  // One store instruction, on machines that are little-endian.
  for (size_t i = 0; i < sizeof(T); ++i) bytes[i] = static_cast<unsigned char>(value >> (8 * i));
  std::memcpy(to, bytes, sizeof(T));
}

template <typename T>
T LoadLittleEndian(const char* from) {
  static_assert(std::is_unsigned_v<T>);
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, from, sizeof(T));
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value |= static_cast<T>(static_cast<T>(bytes[i]) << (8 * i));
  return value;
}

template <typename T>
void AppendLittleEndian(T value, std::string& to) {
  char bytes[sizeof(T)];
  StoreLittleEndian(value, bytes);
  to.append(bytes, sizeof(T));
}

// Takes numbers off the front of a byte string. Once one did not fit, everything reads as zero and
// ok() is false.
class ByteReader {
 public:
  explicit ByteReader(absl::string_view bytes) : rest_(bytes) {}

  template <typename T>
  T Read() {
    const absl::string_view bytes = ReadBytes(sizeof(T));
    return bytes.size() == sizeof(T) ? LoadLittleEndian<T>(bytes.data()) : T{0};
  }

  absl::string_view ReadBytes(uint64_t n) {
    if (n > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const absl::string_view bytes = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return bytes;
  }

  bool ok() const { return ok_; }
  absl::string_view rest() const { return rest_; }

 private:
  absl::string_view rest_;
  bool ok_ = true;
};

}  // namespace storage::wal

#endif  // RAFT_STORAGE_WAL_BYTES_H_
