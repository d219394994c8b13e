// The bytes of a log on disk: what files are called, how frames look, and what is in them.
// docs/storage-format.md explains them with a worked example.
//
// All numbers are little-endian. A segment file is a sequence of frames without holes, then zeros.
// A frame is a header, a payload and padding:
//
//      0  magic            4   "RWL1"
//      4  version          1
//      5  type             1   FrameType
//      6  flags            2   kLastOfBatch
//      8  payload bytes    4
//     12  padding bytes    4   zeros; up to a multiple of 8, or of the block after a batch
//     16  segment          8   the file's own number
//     24  sequence         8   of the frame, in the whole log, without gaps
//     32  batch            8   of all frames that count together or not at all, without gaps
//     40  previous         4   the header checksum of the frame before, across segments
//     44  body checksum    4   of bytes 0..43, the payload and the padding
//     48  reserved         4   zero
//     52  header checksum  4   of bytes 0..51
//     56  payload, padding
//
// so that no byte is outside of a checksum, lengths are believed only after the header's own was
// right, and a frame that is elsewhere than it was meant to be is recognized.
#ifndef RAFT_STORAGE_WAL_FORMAT_H_
#define RAFT_STORAGE_WAL_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "raft/types.h"
#include "raftpb/entry.h"
#include "raftpb/hard_state.h"
#include "raftpb/snapshot.h"
#include "storage/identity.h"
#include "storage/log_batch.h"
#include "storage/wal/bytes.h"

namespace storage::wal {

// --- Frames --------------------------------------------------------------------------------------

inline constexpr uint32_t kFrameMagic = 0x314c5752;  // "RWL1"
inline constexpr uint8_t kVersion = 1;
inline constexpr size_t kFrameHeaderBytes = 56;
inline constexpr size_t kFrameAlignment = 8;
inline constexpr uint32_t kMaxBlockBytes = 4096;

enum class FrameType : uint8_t {
  kHead = 1,   // The first of each segment: a SegmentHead.
  kItems = 2,  // Items.
};

inline constexpr uint16_t kLastOfBatch = 1;

struct FrameHeader {
  uint8_t version = kVersion;
  FrameType type = FrameType::kItems;
  uint16_t flags = 0;
  uint32_t payload_bytes = 0;
  uint32_t padding_bytes = 0;
  uint64_t segment = 0;
  uint64_t sequence = 0;
  uint64_t batch = 0;
  uint32_t previous = 0;
  uint32_t body_checksum = 0;

  bool last_of_batch() const { return (flags & kLastOfBatch) != 0; }
  uint64_t frame_bytes() const {
    return kFrameHeaderBytes + uint64_t{payload_bytes} + uint64_t{padding_bytes};
  }
};

// Writes the first 44 bytes, which are what the body checksum starts with.
inline constexpr size_t kFrameBodyPrefixBytes = 44;
void EncodeBodyPrefix(const FrameHeader& header, char* to);

// Writes the rest, given the body checksum in `header`. Returns the header checksum. `salt` is the
// log's; head frames have none, because it stands in them.
uint32_t EncodeHeaderEnd(const FrameHeader& header, uint32_t salt, char* to);

// Nothing if the bytes (kFrameHeaderBytes of them) are no sound header. Any version is taken.
absl::optional<FrameHeader> DecodeHeader(const char* bytes, uint32_t salt);

// The checksum that seals a header, for the next frame's `previous`.
uint32_t HeaderChecksum(const char* bytes);

// --- Segments ------------------------------------------------------------------------------------

// The payload of the first frame of a segment.
struct SegmentHead {
  Identity identity;
  uint32_t block_bytes = 0;
  uint32_t salt = 0;
  uint64_t file_bytes = 0;  // As preallocated. While it is the newest segment it is not shorter.

  // Whether both are of the same log.
  bool SameLog(const SegmentHead& other) const {
    return identity == other.identity && block_bytes == other.block_bytes && salt == other.salt;
  }
};
inline constexpr size_t kSegmentHeadBytes = 32;
void EncodeTo(const SegmentHead& head, ByteBuffer& out);
absl::optional<SegmentHead> DecodeSegmentHead(absl::string_view payload);

std::string SegmentName(uint64_t segment);                          // "000000000000000a.wal"
absl::optional<uint64_t> ParseSegmentName(absl::string_view name);  // Nothing if it is none.
inline constexpr absl::string_view kMarkName = "MARK";
inline constexpr absl::string_view kLockName = "LOCK";
inline constexpr absl::string_view kTemporarySuffix = ".tmp";

// --- Items ---------------------------------------------------------------------------------------
//
// The payload of an items frame is a sequence of
//      0  kind     4   ItemKind
//      4  body     4   bytes of body
//      8  group    8
//     16  body
// with these bodies:
//   kEntries          first index 8, term 8, count 4, zero 4, then for each entry: payload bytes 4
//                     (the top bit: type_is_explicit), type 4; then the payloads. Of one term, so
//                     that the term is written once.
//   kHardState        term 8, vote 8, commit 8
//   kMarkSnapshot     the metadata, in raftpb's wire format
//   kRestoreSnapshot  likewise; the log is gone, and starts behind it
//   kCompact          index 8, term 8: the log starts behind it
//   kForget           nothing. The group is as if never heard of. In front of the group's whole
//                     state in the same batch it is how a group moves to the end of the log
//   kPurge            segment 8: older segments are not needed (group 0)

enum class ItemKind : uint32_t {
  kEntries = 1,
  kHardState = 2,
  kMarkSnapshot = 3,
  kRestoreSnapshot = 4,
  kCompact = 5,
  kForget = 6,
  kPurge = 7,
};
absl::string_view Name(ItemKind kind);

inline constexpr size_t kItemHeaderBytes = 16;
inline constexpr size_t kEntriesHeaderBytes = 24;  // Of the body, before the entries' own.
inline constexpr size_t kEntryHeaderBytes = 8;
inline constexpr uint32_t kExplicitType = uint32_t{1} << 31;

// A decoded item. Views point into the payload it was decoded from.
struct Item {
  ItemKind kind = ItemKind::kEntries;
  GroupId group = 0;
  uint32_t offset = 0;  // In the payload.

  raft::Index first = 0;  // kEntries.
  raft::Term term = 0;    // kEntries.
  uint32_t count = 0;     // kEntries.
  absl::string_view entry_headers;
  absl::string_view entry_payloads;

  raftpb::HardState hard_state;
  raftpb::SnapshotMetadata snapshot;  // kMarkSnapshot, kRestoreSnapshot.
  raft::EntryId compacted;            // kCompact.
  uint64_t segment = 0;               // kPurge.

  raft::Index last() const { return first + count - 1; }
};

// Goes through the items of a payload, and believes nothing: a checksum proves that the bytes are
// those that were written, not that the writer was sane.
class ItemReader {
 public:
  explicit ItemReader(absl::string_view payload, uint32_t offset = 0);

  // False at the end, or if what follows is no item: then error() says why.
  bool Next(Item& item);

  const std::string& error() const { return error_; }  // Empty if there was none.

 private:
  bool Fail(absl::string_view why);
  bool DecodeBody(absl::string_view body, Item& item);

  absl::string_view payload_;
  size_t position_;
  std::string error_;
};

// The i-th entry of a kEntries item is made by going through all before it.
class EntryReader {
 public:
  explicit EntryReader(const Item& item) : item_(item) {}

  // False at the end. `payload` points into the item's.
  bool Next(raftpb::Entry& entry_without_data, absl::string_view& payload);

 private:
  const Item& item_;
  uint32_t next_ = 0;
  size_t payload_offset_ = 0;
};

}  // namespace storage::wal

#endif  // RAFT_STORAGE_WAL_FORMAT_H_
