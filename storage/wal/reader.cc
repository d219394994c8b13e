#include "storage/wal/reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/wal/bytes.h"
#include "storage/wal/checksum.h"

namespace storage::wal {

namespace {

constexpr size_t kWindowBytes = 1 << 20;

bool AllZero(absl::string_view bytes) {
  return bytes.empty() ||
         (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

bool BodyIsSound(const FrameHeader& header, absl::string_view frame, uint32_t salt) {
  Checksum checksum(header.type == FrameType::kHead ? 0 : salt);
  checksum.Add(frame.substr(0, kFrameBodyPrefixBytes));
  checksum.Add(frame.substr(kFrameHeaderBytes));
  return checksum.value() == header.body_checksum;
}

// Whether the body would be sound if the padding were the zeros that it was written as.
Damage DamageOf(const FrameHeader& header, absl::string_view frame, uint32_t salt) {
  const size_t payload_end = kFrameHeaderBytes + header.payload_bytes;
  if (AllZero(frame.substr(payload_end))) return Damage::kPayload;
  std::string repaired(frame);
  std::fill(repaired.begin() + static_cast<ptrdiff_t>(payload_end), repaired.end(), '\0');
  return BodyIsSound(header, repaired, salt) ? Damage::kPadding : Damage::kPayload;
}

}  // namespace

SegmentReader::SegmentReader(const File& file, uint64_t file_bytes, const Position& position,
                             uint32_t salt, bool anchored)
    : file_(file), file_bytes_(file_bytes), position_(position), salt_(salt), anchored_(anchored) {}

absl::StatusOr<absl::string_view> SegmentReader::Bytes(uint64_t offset, uint64_t size) {
  if (offset >= file_bytes_) return absl::string_view();
  size = std::min(size, file_bytes_ - offset);
  if (offset < window_offset_ || offset + size > window_offset_ + window_size_) {
    const uint64_t wanted = std::min(std::max<uint64_t>(size, kWindowBytes), file_bytes_ - offset);
    if (window_.size() < wanted) window_.resize(wanted);
    const absl::StatusOr<size_t> read = ReadFully(file_, offset, window_.data(), wanted);
    if (!read.ok()) return read.status();
    window_offset_ = offset;
    window_size_ = *read;
    size = std::min<uint64_t>(size, window_size_);
  }
  return absl::string_view(window_.data() + (offset - window_offset_), size);
}

Found SegmentReader::Refuse(Found found, Damage damage, std::string why) {
  damage_ = damage;
  why_ = std::move(why);
  return found;
}

// A sound header: does it belong here?
Found SegmentReader::Judge(const FrameHeader& header) {
  if (header.version != kVersion) {
    return Refuse(Found::kUnknownVersion, Damage::kHeader,
                  absl::StrCat("version ", header.version, " of the format"));
  }
  if (header.segment != position_.segment) {
    return Refuse(Found::kMisplaced, Damage::kHeader,
                  absl::StrCat("a record of segment ", header.segment));
  }
  if (!anchored_) return Found::kFrame;
  if (header.sequence != position_.sequence || header.batch != position_.batch ||
      header.previous != position_.previous) {
    return Refuse(Found::kMisplaced, Damage::kHeader,
                  absl::StrCat("record ", header.sequence, " of batch ", header.batch, " where ",
                               position_.sequence, " of ", position_.batch, " belongs"));
  }
  return Found::kFrame;
}

absl::StatusOr<Found> SegmentReader::Next(Frame& frame) {
  const absl::StatusOr<absl::string_view> bytes = Bytes(position_.offset, kFrameHeaderBytes);
  if (!bytes.ok()) return bytes.status();
  if (AllZero(*bytes)) return Found::kEnd;
  if (bytes->size() < kFrameHeaderBytes) {
    return Refuse(Found::kDamaged, Damage::kHeader, "the file ends inside a header");
  }
  const absl::optional<FrameHeader> header = DecodeHeader(bytes->data(), salt_);
  if (!header.has_value()) {
    return Refuse(Found::kDamaged, Damage::kHeader, "the header does not match its checksum");
  }
  const Found judged = Judge(*header);
  if (judged != Found::kFrame) return judged;

  const uint64_t frame_bytes = header->frame_bytes();
  if (frame_bytes > file_bytes_ - position_.offset) {
    return Refuse(Found::kDamaged, Damage::kPayload, "the file ends inside a record");
  }
  const absl::StatusOr<absl::string_view> whole = Bytes(position_.offset, frame_bytes);
  if (!whole.ok()) return whole.status();
  if (whole->size() < frame_bytes) {
    return Refuse(Found::kDamaged, Damage::kPayload, "the file shrank while it was read");
  }
  if (!BodyIsSound(*header, *whole, salt_)) {
    return Refuse(Found::kDamaged, DamageOf(*header, *whole, salt_),
                  "a record does not match its checksum");
  }

  frame.header = *header;
  frame.offset = position_.offset;
  frame.checksum = HeaderChecksum(whole->data());
  frame.payload = whole->substr(kFrameHeaderBytes, header->payload_bytes);
  anchored_ = true;
  position_.offset += frame_bytes;
  position_.sequence = header->sequence + 1;
  position_.batch = header->last_of_batch() ? header->batch + 1 : header->batch;
  position_.batch_open = !header->last_of_batch();
  position_.previous = frame.checksum;
  return Found::kFrame;
}

absl::Status ReadFrame(const File& file, absl::string_view path, uint64_t segment, uint64_t offset,
                       uint32_t salt, std::string& frame, FrameHeader& header) {
  frame.resize(kFrameHeaderBytes);
  absl::StatusOr<size_t> read = ReadFully(file, offset, frame.data(), kFrameHeaderBytes);
  if (!read.ok()) return read.status();
  const absl::optional<FrameHeader> decoded =
      *read == kFrameHeaderBytes ? DecodeHeader(frame.data(), salt) : absl::nullopt;
  if (!decoded.has_value()) {
    return Corruption(path, offset, Damage::kHeader, "it was sound when the log was opened");
  }
  header = *decoded;
  if (header.segment != segment) return Misplaced(path, offset, "a record of another segment");
  const absl::StatusOr<uint64_t> file_bytes = file.Size();
  if (!file_bytes.ok()) return file_bytes.status();
  if (header.frame_bytes() > *file_bytes - std::min(offset, *file_bytes)) {
    return Corruption(path, offset, Damage::kPayload, "the file ends inside a record");
  }
  frame.resize(header.frame_bytes());
  read = ReadFully(file, offset + kFrameHeaderBytes, frame.data() + kFrameHeaderBytes,
                   frame.size() - kFrameHeaderBytes);
  if (!read.ok()) return read.status();
  if (*read + kFrameHeaderBytes != frame.size() || !BodyIsSound(header, frame, salt)) {
    return Corruption(path, offset, Damage::kPayload, "it was sound when the log was opened");
  }
  return absl::OkStatus();
}

absl::StatusOr<Tail> ScanTail(const File& file, uint64_t file_bytes, const Position& position,
                              uint32_t salt) {
  Tail tail;
  tail.nonzero_end = position.offset;
  // Windows overlap by a header, so that none is cut in two.
  std::vector<char> window(
      std::min<uint64_t>(kWindowBytes, file_bytes - std::min(position.offset, file_bytes)));
  for (uint64_t start = position.offset; start < file_bytes;) {
    const absl::StatusOr<size_t> read = ReadFully(
        file, start, window.data(), std::min<uint64_t>(window.size(), file_bytes - start));
    if (!read.ok()) return read.status();
    if (*read == 0) break;
    const absl::string_view bytes(window.data(), *read);
    if (!AllZero(bytes)) {
      const size_t last = bytes.find_last_not_of('\0');
      tail.nonzero_end = std::max(tail.nonzero_end, start + last + 1);
      for (size_t at = 0; !tail.later_batch && at + kFrameHeaderBytes <= bytes.size();
           at += kFrameAlignment) {
        if (LoadLittleEndian<uint32_t>(bytes.data() + at) != kFrameMagic) continue;
        const absl::optional<FrameHeader> header = DecodeHeader(bytes.data() + at, salt);
        if (header.has_value() && header->segment == position.segment &&
            header->batch > position.batch) {
          tail.later_batch = true;
          tail.later_offset = start + at;
        }
      }
    }
    if (bytes.size() < window.size() || start + bytes.size() >= file_bytes) break;
    start += bytes.size() - kFrameHeaderBytes;
    start -= (start - position.offset) % kFrameAlignment;
  }
  return tail;
}

}  // namespace storage::wal
