// A message as a list of pieces for writev or a gather list.
#ifndef RAFT_RAFTPB_FRAME_H_
#define RAFT_RAFTPB_FRAME_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "raftpb/message.h"
#include "raftpb/wire.h"

namespace raftpb {

// The encoding of one message, without copies of its large payloads: these stay where they are, and
// the frame keeps them alive. The rest stands in a buffer of the frame. Reusing a frame for many
// messages reuses its memory.
class Frame {
 public:
  // Payloads of up to `copied` bytes, at least kAlwaysCopied, are copied into the buffer. To writev
  // one piece more costs some 25 ns, as much as copying a kibibyte; other transports may differ.
  explicit Frame(size_t copied = kCopiedPayloadBytes) : copied_(std::max(copied, kAlwaysCopied)) {}

  Frame(const Frame&) = delete;  // The pieces lead into it.
  Frame& operator=(const Frame&) = delete;

  // Shorter payloads may stand inside the Cord, and move with it.
  static constexpr size_t kAlwaysCopied = 64;

  // Replaces what the frame holds.
  void Assign(const Message& message);

  // Valid until the next Assign. None of them is empty; an empty message has none.
  absl::Span<const absl::string_view> pieces() const { return {pieces_.data(), piece_count_}; }
  size_t size() const { return size_; }  // Sum of the pieces.

 private:
  friend class FrameWriter;

  const size_t copied_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;                    // Of the buffer.
  std::vector<absl::string_view> pieces_;  // As many as there ever were; piece_count_ are valid.
  size_t piece_count_ = 0;
  size_t size_ = 0;

  // What the pieces outside the buffer are parts of.
  std::vector<EntryList> entries_;
  std::vector<absl::Cord> payloads_;
};

}  // namespace raftpb

#endif  // RAFT_RAFTPB_FRAME_H_
