// Turns a batch into frames: headers and small payloads in one buffer, large payloads where they
// already are.
#ifndef RAFT_STORAGE_WAL_ENCODER_H_
#define RAFT_STORAGE_WAL_ENCODER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "raft/types.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/snapshot.h"
#include "storage/run.h"
#include "storage/wal/bytes.h"
#include "storage/wal/format.h"
#include "storage/wal/outgoing_memory.h"
#include "storage/wal/reader.h"

namespace storage::wal {

// Reused for batch after batch; allocates nothing once its buffers have grown.
//
// A batch is one frame, or several if it has more than record_bytes: a frame is what is read and
// verified as a whole to serve an old entry.
class BatchEncoder {
 public:
  // What is copied, so that the batch becomes one piece, which a disk can take as it is: all
  // payloads of a batch that has no more than this,
  static constexpr size_t kGatheredBatchBytes = 256 << 10;
  // and pieces of others that are smaller than this. The rest stays in place.
  static constexpr size_t kGatheredPieceBytes = 4096;
  // What became one buffer is handed out as OutgoingMemory up to this; more would only take memory.
  static constexpr size_t kOutgoingBytes = 4 << 20;

  // A frame is closed when its payload has reached this, which one large entry can do alone.
  explicit BatchEncoder(uint32_t record_bytes) : record_bytes_(record_bytes) {}

  // Where a run of entries was put.
  struct Placed {
    GroupId group = 0;
    Run run;
  };

  // No batch of these entries and items can become longer than this; for one that has both, the
  // sum.
  uint64_t MaxBytes(size_t entries, size_t payload_bytes, size_t items, size_t other_bytes,
                    uint32_t block_bytes) const;

  // Starts a batch at a position of the log, with so many bytes of payloads to come, or about.
  // Payloads must live until the pieces have been written.
  void Start(const Position& position, uint32_t salt, uint32_t block_bytes, size_t payload_bytes);

  void AddEntries(GroupId group, const raftpb::EntryList& entries, size_t begin);
  void AddHardState(GroupId group, const raftpb::HardState& hard_state);
  void AddSnapshot(ItemKind kind, GroupId group, const raftpb::SnapshotMetadata& metadata);
  void AddCompact(GroupId group, raft::EntryId compacted);
  void AddForget(GroupId group);
  void AddPurge(uint64_t first_needed_segment);

  // A segment's first frame, alone in its batch.
  void AddHead(const SegmentHead& head);

  // Ends the batch. The pieces are valid until Start, position() is behind the batch.
  void Finish();
  absl::Span<const absl::string_view> pieces() const { return pieces_; }
  absl::Span<const Placed> placed() const { return placed_; }
  const Position& position() const { return position_; }
  uint64_t bytes() const { return position_.offset - start_; }

 private:
  using EntryIterator = raftpb::EntryList::const_iterator;

  struct Cut {  // A payload goes between buffer bytes [.., buffer_end) and what follows.
    size_t buffer_end;
    absl::string_view payload;
  };

  void BeginFrame();
  void OpenFrame();
  void CloseFrame(bool last);
  char* BeginItem(ItemKind kind, GroupId group, uint64_t body_bytes, size_t bytes_now);
  void AddRuns(GroupId group, const raftpb::EntryList& entries, size_t begin);
  size_t AddSomeEntries(GroupId group, EntryIterator begin, const EntryIterator& end);
  void AddRun(GroupId group, EntryIterator next, size_t count, uint64_t body_bytes);
  void AddPayload(const absl::Cord& data);
  // Of the frame that the next item goes into.
  uint64_t BytesUsed() const {
    return frame_open_ && payload_bytes_ < record_bytes_ ? payload_bytes_ : 0;
  }
  template <typename Visit>
  void VisitPieces(size_t first_cut, size_t from, Visit visit) const;

  const uint32_t record_bytes_;
  Position position_;
  uint64_t start_ = 0;
  uint32_t salt_ = 0;
  uint32_t block_bytes_ = 0;
  bool gather_all_ = false;
  FrameType type_ = FrameType::kItems;

  ByteBuffer buffer_;
  OutgoingMemory outgoing_;
  std::vector<Cut> cuts_;
  std::vector<absl::string_view> pieces_;
  std::vector<Placed> placed_;

  bool frame_open_ = false;
  size_t frame_start_ = 0;      // In the buffer.
  size_t frame_cut_ = 0;        // The first cut of the frame.
  uint64_t payload_bytes_ = 0;  // Of the frame, so far.
};

}  // namespace storage::wal

#endif  // RAFT_STORAGE_WAL_ENCODER_H_
