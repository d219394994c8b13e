#include "examples/raftexample/transport/frame.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/io/coded_stream.h"
#include "raftpb/frame.h"
#include "raftpb/wire.h"

namespace raftexample {
namespace {

// Field 1, length-delimited.
constexpr char kMessageTag = 0x0a;

constexpr size_t kMaxVarintBytes = 10;

// Pieces smaller than this are cheaper to copy than to share.
constexpr size_t kSharedBytes = 4096;

// Collects pieces into slices: small ones side by side in one, large ones each in its own.
class SliceWriter {
 public:
  explicit SliceWriter(size_t expected) { small_.reserve(expected); }

  void Copy(absl::string_view bytes) { small_.append(bytes.data(), bytes.size()); }

  // `owner` keeps the bytes.
  void Share(absl::string_view bytes, const std::shared_ptr<const void>& owner) {
    Cut();
    auto* held = new std::shared_ptr<const void>(owner);
    slices_.emplace_back(
        const_cast<char*>(bytes.data()), bytes.size(),
        [](void* held) { delete static_cast<std::shared_ptr<const void>*>(held); }, held);
  }

  grpc::ByteBuffer Take() {
    Cut();
    return grpc::ByteBuffer(slices_.data(), slices_.size());
  }

 private:
  void Cut() {
    if (small_.empty()) return;
    slices_.emplace_back(small_);
    small_.clear();
  }

  std::string small_;
  std::vector<grpc::Slice> slices_;
};

absl::string_view View(const grpc::Slice& slice) {
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

// The bytes of a buffer as a Cord that shares them.
absl::StatusOr<absl::Cord> ToCord(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return absl::InvalidArgumentError("bad buffer");
  absl::Cord cord;
  for (grpc::Slice& slice : slices) {
    auto held = std::make_shared<grpc::Slice>(std::move(slice));
    const absl::string_view view = View(*held);
    cord.Append(absl::MakeCordFromExternal(view, [held = std::move(held)] {}));
  }
  return cord;
}

// Reads a varint from the front of a Cord.
bool TakeVarint(absl::Cord& cord, uint64_t* value) {
  *value = 0;
  size_t read = 0;
  const absl::Cord front = cord.Subcord(0, kMaxVarintBytes);
  for (const char c : front.Chars()) {
    *value |= uint64_t{static_cast<uint8_t>(c) & 0x7fu} << (7 * read++);
    if (static_cast<uint8_t>(c) < 0x80) {
      cord.RemovePrefix(read);
      return true;
    }
  }
  return false;
}

}  // namespace

grpc::ByteBuffer PackFrame(absl::Span<const raftpb::Message> messages) {
  SliceWriter out(256 * messages.size());
  for (const raftpb::Message& message : messages) {
    auto frame = std::make_shared<raftpb::Frame>(kSharedBytes);
    frame->Assign(message);
    uint8_t header[1 + kMaxVarintBytes] = {kMessageTag};
    const uint8_t* end =
        google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(frame->size(), header + 1);
    out.Copy({reinterpret_cast<const char*>(header), static_cast<size_t>(end - header)});
    for (const absl::string_view piece : frame->pieces()) {
      if (piece.size() < kSharedBytes) {
        out.Copy(piece);
      } else {
        out.Share(piece, frame);
      }
    }
  }
  return out.Take();
}

absl::Status UnpackFrame(const grpc::ByteBuffer& buffer, std::vector<raftpb::Message>& messages) {
  absl::StatusOr<absl::Cord> cord = ToCord(buffer);
  if (!cord.ok()) return cord.status();
  while (!cord->empty()) {
    uint64_t length = 0;
    const bool tagged = *cord->char_begin() == kMessageTag;
    if (tagged) cord->RemovePrefix(1);
    if (!tagged || !TakeVarint(*cord, &length) || length > cord->size()) {
      return absl::InvalidArgumentError("not a frame of messages");
    }
    raftpb::Message& message = messages.emplace_back();
    absl::Status decoded = raftpb::Decode(cord->Subcord(0, length), message);
    if (!decoded.ok()) return decoded;
    cord->RemovePrefix(length);
  }
  return absl::OkStatus();
}

}  // namespace raftexample
