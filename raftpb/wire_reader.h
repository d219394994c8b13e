// Reads the fields of protobuf messages. Private to the decoder.
#ifndef RAFT_RAFTPB_WIRE_READER_H_
#define RAFT_RAFTPB_WIRE_READER_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "raftpb/wire_source.h"
#include "raftpb/wire_tag.h"

namespace raftpb {

// How deep messages and groups may be nested, as in protobuf's own readers.
inline constexpr int kMaxNesting = 100;

// How many values a message may hold that take far more memory than bytes: some megabytes in all.
// Not a matter of how long the message is: what was read once must be readable when it is written
// again, which may take fewer bytes.
inline constexpr int kMaxHeavy = 10'000;

// Reads fields from the front. The first error ends everything: after it there are no more fields
// on any level, and every read gives zero; so callers loop over fields and ask for the status at
// the end.
template <typename Source>
class WireReader {
 public:
  explicit WireReader(Source source) : source_(std::move(source)), limit_(source_.size()) {}

  // Steps to the next field of the current message and returns its tag; 0, which is no tag, at the
  // end of the message and after an error.
  uint32_t Next();

  // Steps to the next field only if it has this tag, in one byte; cheaper than Next.
  bool NextIs(uint32_t tag) {
    if (!More() || source_.Peek() != tag) return false;
    source_.Skip(1);
    return true;
  }

  // Whether anything is left of the current message.
  bool More() const { return source_.at() < limit_; }

  // The value of the field that Next found, which has to be of that wire type.
  uint64_t Number();
  absl::Cord Bytes() { return source_.Take(Length()); }
  template <typename ReadFields>
  void Nested(ReadFields read_fields) {  // Calls it with the embedded message as current.
    Nested(Length(), read_fields);
  }
  void Skip(uint32_t tag);  // For fields that nobody knows.

  // How many fields of this tag, which are length-delimited, follow in a row; with the current one.
  size_t CountRun(uint32_t tag) const;

  // Counts a value that takes far more memory than bytes. An error after kMaxHeavy of them.
  void CountHeavy();

  // Bytes() and Nested() in two steps, for those who want to look at the bytes first: the length,
  // which does not lead out of the current message, and then its bytes, from the source or nested.
  size_t Length();
  Source& source() { return source_; }
  template <typename ReadFields>
  void Nested(size_t length, ReadFields read_fields);

  absl::Status status() const;

 private:
  static constexpr uint32_t kMinTag = Tag(1, kVarint);
  static constexpr uint64_t kMaxTag = (uint64_t{1} << 32) - 1;  // Field numbers have 29 bits.

  size_t Left() const { return More() ? limit_ - source_.at() : 0; }
  void SkipBytes(size_t n);
  void SkipGroup(uint32_t field);
  void Fail(const char* what);

  Source source_;
  size_t limit_;  // Where the current message ends.
  int heavy_left_ = kMaxHeavy;
  int depth_ = 0;
  const char* error_ = nullptr;
  size_t error_at_ = 0;
};

template <typename Source>
uint32_t WireReader<Source>::Next() {
  if (!More()) return 0;
  const uint64_t tag = Number();
  if (ABSL_PREDICT_TRUE(tag >= kMinTag && tag <= kMaxTag)) return static_cast<uint32_t>(tag);
  Fail("no such field number");
  return 0;
}

template <typename Source>
uint64_t WireReader<Source>::Number() {
  uint64_t value;
  if (ABSL_PREDICT_TRUE(More() && source_.ReadNumber(limit_, value))) return value;
  Fail("no number of up to 64 bits");
  return 0;
}

template <typename Source>
size_t WireReader<Source>::Length() {
  const uint64_t length = Number();
  if (ABSL_PREDICT_TRUE(length <= Left())) return static_cast<size_t>(length);
  Fail("a length beyond the end");
  return 0;
}

template <typename Source>
template <typename ReadFields>
void WireReader<Source>::Nested(size_t length, ReadFields read_fields) {
  if (++depth_ > kMaxNesting) Fail("messages nested too deeply");
  const size_t outer = limit_;
  if (error_ == nullptr) limit_ = source_.at() + length;
  read_fields();
  if (error_ == nullptr) limit_ = outer;
  --depth_;
}

template <typename Source>
void WireReader<Source>::Skip(uint32_t tag) {
  switch (tag & 7) {
    case kVarint: Number(); return;
    case kFixed64: return SkipBytes(8);
    case kLengthDelimited: return SkipBytes(Length());
    case kGroupStart: return SkipGroup(tag >> 3);
    case kGroupEnd: return Fail("the end of a group that never began");
    case kFixed32: return SkipBytes(4);
    default: return Fail("no such wire type");
  }
}

template <typename Source>
void WireReader<Source>::SkipBytes(size_t n) {
  if (n > Left()) return Fail("the bytes end within a field");
  source_.Skip(n);
}

template <typename Source>
void WireReader<Source>::SkipGroup(uint32_t field) {
  if (++depth_ > kMaxNesting) return Fail("groups nested too deeply");
  while (const uint32_t tag = Next()) {
    if (tag == Tag(field, kGroupEnd)) {
      --depth_;
      return;
    }
    Skip(tag);
  }
  Fail("a group that never ends");
}

template <typename Source>
size_t WireReader<Source>::CountRun(uint32_t tag) const {
  Source ahead = source_;
  size_t count = 0;
  uint64_t length;
  uint64_t next;
  do {
    if (!ahead.ReadNumber(limit_, length) || length > limit_ - ahead.at()) break;
    ahead.Skip(length);
    ++count;
  } while (ahead.ReadNumber(limit_, next) && next == tag);
  return count;
}

template <typename Source>
void WireReader<Source>::CountHeavy() {
  if (heavy_left_-- == 0) Fail("too many messages within a message");
}

// Nothing is left of anything: Next finds no more fields, and every read fails again, unheard.
template <typename Source>
void WireReader<Source>::Fail(const char* what) {
  if (error_ != nullptr) return;
  error_ = what;
  error_at_ = source_.at();
  limit_ = 0;
}

template <typename Source>
absl::Status WireReader<Source>::status() const {
  if (error_ == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("malformed bytes: ", error_, " (at byte ", error_at_, ")"));
}

}  // namespace raftpb

#endif  // RAFT_RAFTPB_WIRE_READER_H_
