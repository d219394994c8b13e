// Reads a segment frame by frame, verifies every byte, and stops at the first that is wrong.
#ifndef RAFT_STORAGE_WAL_READER_H_
#define RAFT_STORAGE_WAL_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/errors.h"
#include "storage/file_system.h"
#include "storage/wal/format.h"

namespace storage::wal {

// Where a log stands between two frames.
struct Position {
  uint64_t segment = 0;
  uint64_t offset = 0;      // In the segment.
  uint64_t sequence = 0;    // Of the next frame.
  uint64_t batch = 0;       // Of the next frame.
  uint32_t previous = 0;    // Header checksum of the frame before.
  bool batch_open = false;  // The frame before was not the last of its batch.
};

struct Frame {
  FrameHeader header;
  uint64_t offset = 0;
  uint32_t checksum = 0;      // Of the header.
  absl::string_view payload;  // Valid until the next call of the reader.
};

// What stands at a position.
enum class Found : uint8_t {
  kFrame,           // A sound frame that belongs there.
  kEnd,             // The end of the file, or zeros where a header should be.
  kDamaged,         // Something that is no sound frame.
  kMisplaced,       // A sound frame that belongs elsewhere.
  kUnknownVersion,  // A sound frame of another version of this format.
};

class SegmentReader {
 public:
  // `file_bytes` is all that is ever read or allocated. The reader starts at position.offset.
  // If `anchored` is false the first frame defines sequence, batch and previous.
  SegmentReader(const File& file, uint64_t file_bytes, const Position& position, uint32_t salt,
                bool anchored);

  // Reads what is at position(), and moves behind it if it is a frame. A status only if reading
  // the file fails.
  absl::StatusOr<Found> Next(Frame& frame);

  const Position& position() const { return position_; }
  void set_salt(uint32_t salt) { salt_ = salt; }

  // After kDamaged and kMisplaced.
  Damage damage() const { return damage_; }
  const std::string& why() const { return why_; }

 private:
  // Makes bytes [offset, offset + size) of the file available, or as many as there are.
  absl::StatusOr<absl::string_view> Bytes(uint64_t offset, uint64_t size);
  Found Refuse(Found found, Damage damage, std::string why);
  Found Judge(const FrameHeader& header);

  const File& file_;
  const uint64_t file_bytes_;
  Position position_;
  uint32_t salt_;
  bool anchored_;

  std::vector<char> window_;
  uint64_t window_offset_ = 0;
  size_t window_size_ = 0;

  Damage damage_ = Damage::kHeader;
  std::string why_;
};

// Reads one frame again, to serve entries from it: kCorruption if it is not what it was.
absl::Status ReadFrame(const File& file, absl::string_view path, uint64_t segment, uint64_t offset,
                       uint32_t salt, std::string& frame, FrameHeader& header);

// What is behind a position at which a segment could not be read on.
struct Tail {
  uint64_t nonzero_end = 0;   // Behind the last byte that is not zero; the offset if there is none.
  bool later_batch = false;   // A sound header of a batch after the one that was being read,
  uint64_t later_offset = 0;  // and where the first is.
};
absl::StatusOr<Tail> ScanTail(const File& file, uint64_t file_bytes, const Position& position,
                              uint32_t salt);

}  // namespace storage::wal

#endif  // RAFT_STORAGE_WAL_READER_H_
