#include "raftpb/wire_reader.h"

#include "raftpb/wire.h"

namespace raftpb {
namespace {

constexpr uint32_t kMaxField = (1 << 29) - 1;

}  // namespace

WireReader::WireReader(absl::string_view bytes, const absl::Cord* owner)
    : begin_(bytes.data()),
      end_(bytes.data() + bytes.size()),
      at_(begin_),
      limit_(end_),
      owner_(owner),
      heavy_left_(64 + bytes.size() / 8) {}

// Nothing is left after an error: Next finds no more fields, and every read fails again, unheard.
void WireReader::Fail(const char* what) {
  if (error_ == nullptr) {
    error_ = what;
    error_at_ = at_ - begin_;
  }
  at_ = limit_ = end_;
}

absl::Status WireReader::status() const {
  if (error_ == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("malformed bytes: ", error_, " at byte ", error_at_));
}

bool WireReader::Next(uint32_t& tag) {
  if (!More()) return false;
  const uint64_t number = Number();
  const uint64_t field = number >> 3;
  if (ABSL_PREDICT_FALSE(field == 0 || field > kMaxField)) {
    Fail("no such field number");
    return false;
  }
  tag = static_cast<uint32_t>(number);
  return true;
}

uint64_t WireReader::Number() {
  uint64_t value = 0;
  const char* at = at_;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (ABSL_PREDICT_FALSE(at >= limit_)) {
      Fail("the bytes end within a number");
      return 0;
    }
    const uint64_t byte = static_cast<unsigned char>(*at++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (ABSL_PREDICT_FALSE(shift == 63 && byte > 1)) break;
      at_ = at;
      return value;
    }
  }
  Fail("a number of more than 64 bits");
  return 0;
}

size_t WireReader::Length() {
  const uint64_t length = Number();
  if (ABSL_PREDICT_FALSE(length > static_cast<uint64_t>(limit_ - at_))) {
    Fail("a length beyond the end");
    return 0;
  }
  return static_cast<size_t>(length);
}

absl::Cord WireReader::Bytes() {
  const size_t length = Length();
  const absl::string_view bytes(at_, length);
  at_ += length;
  if (owner_ == nullptr || length <= kCopiedPayloadBytes) return absl::Cord(bytes);
  return owner_->Subcord(bytes.data() - begin_, length);
}

void WireReader::SkipBytes(size_t n) {
  if (n > static_cast<size_t>(limit_ - at_)) return Fail("the bytes end within a field");
  at_ += n;
}

void WireReader::Skip(uint32_t tag) {
  switch (tag & 7) {
    case kVarint:
      Number();
      return;
    case kFixed64:
      return SkipBytes(8);
    case kLengthDelimited:
      return SkipBytes(Length());
    case kGroupStart:
      return SkipGroup(tag >> 3);
    case kGroupEnd:
      return Fail("the end of a group that never began");
    case kFixed32:
      return SkipBytes(4);
    default:
      return Fail("no such wire type");
  }
}

// Old protobuf: fields between two brackets with the same number.
void WireReader::SkipGroup(uint32_t field) {
  if (++depth_ > kMaxNesting) return Fail("groups nested too deeply");
  uint32_t tag;
  while (Next(tag)) {
    if (tag == Tag(field, kGroupEnd)) {
      --depth_;
      return;
    }
    Skip(tag);
  }
  Fail("a group that never ends");
}

size_t WireReader::CountRun(uint32_t tag) const {
  WireReader ahead = *this;
  size_t count = 0;
  uint32_t next = tag;
  do {
    ahead.SkipBytes(ahead.Length());
    ++count;
  } while (ahead.Next(next) && next == tag);
  return count;
}

void WireReader::CountHeavy() {
  if (heavy_left_-- == 0) Fail("too many messages for so few bytes");
}

}  // namespace raftpb
