// Reads the fields of protobuf messages from memory. Private to wire_decode.cc.
#ifndef RAFT_RAFTPB_WIRE_READER_H_
#define RAFT_RAFTPB_WIRE_READER_H_

#include <cstddef>
#include <cstdint>

#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "raftpb/varint.h"

namespace raftpb {

enum WireType : uint32_t {
  kVarint = 0,
  kFixed64 = 1,
  kLengthDelimited = 2,
  kGroupStart = 3,
  kGroupEnd = 4,
  kFixed32 = 5,
};

// What stands before a field: its number, and how its value is written.
constexpr uint32_t Tag(uint32_t field, WireType type) { return field << 3 | type; }

// How deep messages or groups may be nested.
inline constexpr int kMaxNesting = 100;

// Reads from the front. The first error ends everything: after it there are no more fields on any
// level, and every read gives zero; so callers loop over fields and ask for the status at the end.
class WireReader {
 public:
  // Payloads longer than kCopiedPayloadBytes become parts of `owner`, whose bytes these are; null:
  // all are copied.
  explicit WireReader(absl::string_view bytes, const absl::Cord* owner = nullptr);

  // Steps to the next field of the current message. False at its end, and after an error.
  bool Next(uint32_t& tag);

  // Whether anything is left of the current message.
  bool More() const { return at_ < limit_; }

  // The value of the field that Next found, which has to have that wire type.
  uint64_t Number();
  absl::Cord Bytes();
  template <typename ReadFields>
  void Nested(ReadFields read_fields);  // Calls it with the embedded message as current.

  // Steps over the value of a field that nobody knows.
  void Skip(uint32_t tag);

  // How many fields of this tag follow in a row, the current one included, all length-delimited.
  size_t CountRun(uint32_t tag) const;

  // Counts a value that takes far more memory than bytes. An error if there are more of them than
  // such a number of bytes can honestly hold.
  void CountHeavy();

  absl::Status status() const;

 private:
  void Fail(const char* what);
  size_t Length();
  void SkipGroup(uint32_t field);
  void SkipBytes(size_t n);

  const char* const begin_;
  const char* const end_;
  const char* at_;
  const char* limit_;  // Where the current message ends.
  const absl::Cord* const owner_;
  size_t heavy_left_;
  int depth_ = 0;
  const char* error_ = nullptr;
  size_t error_at_ = 0;
};

template <typename ReadFields>
void WireReader::Nested(ReadFields read_fields) {
  const size_t length = Length();
  if (++depth_ > kMaxNesting) Fail("messages nested too deeply");
  const char* const outer = limit_;
  if (error_ == nullptr) limit_ = at_ + length;
  read_fields();
  if (error_ == nullptr) limit_ = outer;
  --depth_;
}

}  // namespace raftpb

#endif  // RAFT_RAFTPB_WIRE_READER_H_
