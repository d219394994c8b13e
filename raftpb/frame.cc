#include "raftpb/frame.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "raftpb/entry_header.h"
#include "raftpb/wire_fields.h"
#include "raftpb/wire_tag.h"
#include "raftpb/wire_writer.h"

namespace raftpb {

// Writes fields into the buffer of a frame, as WireWriter does into memory; large payloads become
// pieces between two stretches of the buffer.
class FrameWriter {
 public:
  explicit FrameWriter(Frame& frame);

  void Number(uint32_t field, uint64_t value) {
    MakeRoom(kMaxNumberBytes);
    at_.out = PutNumber(field, value, at_.out);
  }
  void RepeatedNumber(uint32_t field, uint64_t value) {
    MakeRoom(kMaxNumberBytes);
    at_.out = PutVarint(value, PutTag(field, kVarint, at_.out));
  }
  void Bytes(uint32_t field, const absl::Cord& bytes);
  template <typename T>
  void Embedded(uint32_t field, const T& value) {
    MakeRoom(kMaxNumberBytes);
    at_.out = PutLength(field, WireSizer::SizeOf(value), at_.out);
    Fields(value, *this);
  }
  void Entries(uint32_t field, const EntryList& entries);

  void Finish();

 private:
  // Where writing has got to.
  struct Place {
    char* stretch;  // Where the part of the buffer begins that is in no piece yet.
    char* out;
    char* end;
    absl::string_view* piece;
    absl::string_view* pieces_end;
    size_t shared = 0;  // Bytes of the pieces outside the buffer.

    bool HasRoom(size_t bytes) const { return static_cast<size_t>(end - out) >= bytes; }
    bool HasPieces(ptrdiff_t count) const { return pieces_end - piece >= count; }
    void Copy(absl::string_view bytes) {
      std::memcpy(out, bytes.data(), bytes.size());
      out += bytes.size();
    }
    // Makes a piece of what was written since the last one.
    void EndStretch() {
      if (out == stretch) return;
      *piece++ = absl::string_view(stretch, out - stretch);
      stretch = out;
    }
    void Share(absl::string_view bytes) {
      *piece++ = bytes;
      shared += bytes.size();
    }
  };

  void MakeRoom(size_t bytes) {
    if (ABSL_PREDICT_FALSE(!at_.HasRoom(bytes))) GrowBuffer(bytes);
  }
  void MakePieces() {
    if (ABSL_PREDICT_FALSE(!at_.HasPieces(1))) GrowPieces();
  }
  void Payload(const absl::Cord& bytes);
  void EndStretch();
  void Hold(const EntryList& entries);
  void GrowBuffer(size_t bytes);
  void GrowPieces();

  Frame& frame_;
  Place at_;
};

FrameWriter::FrameWriter(Frame& frame)
    : frame_(frame),
      at_{.stretch = frame.buffer_.get(),
          .out = frame.buffer_.get(),
          .end = frame.buffer_.get() + frame.capacity_,
          .piece = frame.pieces_.data(),
          .pieces_end = frame.pieces_.data() + frame.pieces_.size()} {}

void FrameWriter::Bytes(uint32_t field, const absl::Cord& bytes) {
  if (bytes.empty()) return;
  MakeRoom(kMaxNumberBytes);
  at_.out = PutLength(field, bytes.size(), at_.out);
  if (bytes.size() > frame_.copied_) frame_.payloads_.push_back(bytes);
  Payload(bytes);
}

// The loop that most of the time goes into. It keeps its place in a local variable, because a
// member might, for all the compiler knows, be changed by any byte that is written; and it has what
// it calls inside, but for what is rare.
[[gnu::flatten]] void FrameWriter::Entries(uint32_t field, const EntryList& entries) {
  const size_t copied = frame_.copied_;
  const size_t shared_before = at_.shared;
  EntryHeader header(field);
  Place at = at_;
  for (const Entry& entry : entries) {
    header.Set(entry);
    const size_t size = entry.data.size();
    const absl::string_view first = FirstChunk(entry.data);
    const bool is_easy = at.HasRoom(EntryHeader::kMaxSize + (size > copied ? 0 : size)) &&
                         at.HasPieces(2) && first.size() == size;
    if (ABSL_PREDICT_TRUE(is_easy)) {
      at.out = header.Put(at.out);
      if (size <= copied) {
        at.Copy(first);
      } else {
        at.EndStretch();
        at.Share(first);
      }
    } else {
      at_ = at;
      MakeRoom(EntryHeader::kMaxSize);
      at_.out = header.Put(at_.out);
      Payload(entry.data);
      at = at_;
    }
  }
  at_ = at;
  if (at_.shared > shared_before) Hold(entries);
}

ABSL_ATTRIBUTE_NOINLINE void FrameWriter::Hold(const EntryList& entries) {
  frame_.entries_.push_back(entries);
}

void FrameWriter::Finish() {
  EndStretch();
  frame_.piece_count_ = at_.piece - frame_.pieces_.data();
  frame_.size_ = at_.out - frame_.buffer_.get() + at_.shared;
}

ABSL_ATTRIBUTE_NOINLINE void FrameWriter::Payload(const absl::Cord& bytes) {
  if (bytes.size() <= frame_.copied_) {
    MakeRoom(bytes.size());
    ForEachChunk(bytes, [this](absl::string_view chunk) { at_.Copy(chunk); });
  } else {
    EndStretch();
    ForEachChunk(bytes, [this](absl::string_view chunk) {
      MakePieces();
      at_.Share(chunk);
    });
  }
}

void FrameWriter::EndStretch() {
  MakePieces();
  at_.EndStretch();
}

// Moves to a larger buffer, and the pieces of the old one with it.
ABSL_ATTRIBUTE_NOINLINE void FrameWriter::GrowBuffer(size_t bytes) {
  const char* const old = frame_.buffer_.get();
  const size_t used = at_.out - old;
  const size_t capacity = std::max<size_t>({512, 2 * frame_.capacity_, used + bytes});
  std::unique_ptr<char[]> buffer(new char[capacity]);
  if (used > 0) std::memcpy(buffer.get(), old, used);
  for (absl::string_view* piece = frame_.pieces_.data(); piece != at_.piece; ++piece) {
    const char* data = piece->data();
    const bool inside = !std::less<>()(data, old) && std::less<>()(data, old + used);
    if (inside) *piece = absl::string_view(buffer.get() + (data - old), piece->size());
  }
  at_.stretch = buffer.get() + (at_.stretch - old);
  at_.out = buffer.get() + used;
  at_.end = buffer.get() + capacity;
  frame_.buffer_ = std::move(buffer);
  frame_.capacity_ = capacity;
}

ABSL_ATTRIBUTE_NOINLINE void FrameWriter::GrowPieces() {
  std::vector<absl::string_view>& pieces = frame_.pieces_;
  const size_t used = at_.piece - pieces.data();
  pieces.resize(std::max<size_t>(8, 2 * pieces.size()));
  at_.piece = pieces.data() + used;
  at_.pieces_end = pieces.data() + pieces.size();
}

void Frame::Assign(const Message& message) {
  entries_.clear();
  payloads_.clear();
  FrameWriter writer(*this);
  Fields(message, writer);
  writer.Finish();
}

}  // namespace raftpb
