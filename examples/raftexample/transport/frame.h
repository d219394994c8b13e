// Raft's messages as gRPC's bytes and back, without copying large payloads.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_FRAME_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_FRAME_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "raftpb/message.h"

namespace raftexample {

// No message between members is larger.
inline constexpr size_t kMaxFrameBytes = 64 << 20;

// The bytes of a Frame (peer.proto) that holds these messages. Large payloads are shared with the
// messages, and live until gRPC has sent them.
grpc::ByteBuffer PackFrame(absl::Span<const raftpb::Message> messages);

// Appends what a frame holds to `messages`. InvalidArgument for bytes that are no frame. Payloads
// may share the memory of the buffer.
absl::Status UnpackFrame(const grpc::ByteBuffer& buffer, std::vector<raftpb::Message>& messages);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_FRAME_H_
