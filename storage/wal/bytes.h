// Little-endian numbers in byte strings.
#ifndef RAFT_STORAGE_WAL_BYTES_H_
#define RAFT_STORAGE_WAL_BYTES_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/string_view.h"

namespace storage::wal {

// The same number with its bytes in the opposite order, unless memory has them in this one already.
// (Compilers do not see a store of eight bytes in a loop over them, and what is stored byte by byte
// cannot be forwarded to a load of all of them.)
template <typename T>
T LittleEndian(T value) {
  static_assert(std::is_unsigned_v<T>);
  if constexpr (std::endian::native == std::endian::little) return value;
  T swapped = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    swapped = static_cast<T>(swapped << 8 | (value >> (8 * i) & 0xff));
  }
  return swapped;
}

template <typename T>
void StoreLittleEndian(T value, char* to) {
  const T stored = LittleEndian(value);
  std::memcpy(to, &stored, sizeof(T));
}

template <typename T>
T LoadLittleEndian(const char* from) {
  T loaded;
  std::memcpy(&loaded, from, sizeof(T));
  return LittleEndian(loaded);
}

template <typename T>
void AppendLittleEndian(T value, std::string& to) {
  char bytes[sizeof(T)];
  StoreLittleEndian(value, bytes);
  to.append(bytes, sizeof(T));
}

// Bytes that are written one after the other. Clear() keeps the memory.
class ByteBuffer {
 public:
  // Adds so many bytes, to be written by the caller; valid until the next call.
  char* Add(size_t bytes) {
    if (size_ + bytes > capacity_) Reserve(size_ + bytes);
    char* const added = bytes_.get() + size_;
    size_ += bytes;
    return added;
  }
  void Add(absl::string_view bytes) { std::memcpy(Add(bytes.size()), bytes.data(), bytes.size()); }
  template <typename T>
  void AddLittleEndian(T value) {
    StoreLittleEndian(value, Add(sizeof(T)));
  }
  void Clear() { size_ = 0; }

  size_t size() const { return size_; }
  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }

 private:
  void Reserve(size_t least) {
    capacity_ = std::max(least, 2 * capacity_);
    auto larger = std::make_unique_for_overwrite<char[]>(capacity_);
    if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
  }

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

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
