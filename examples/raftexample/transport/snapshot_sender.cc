#include "examples/raftexample/transport/snapshot_sender.h"

#include <string>
#include <utility>

#include "examples/raftexample/rpc/gate.h"
#include "examples/raftexample/transport/peer.grpc.pb.h"
#include "raftpb/wire.h"

namespace raftexample {
namespace {

constexpr size_t kPieceBytes = 1 << 20;

}  // namespace

SnapshotSender::SnapshotSender(std::shared_ptr<grpc::Channel> channel, const PeerIdentity& identity,
                               raftpb::Message message, std::unique_ptr<SnapshotFile> file,
                               std::function<void(const absl::Status&)> done)
    : channel_(std::move(channel)), message_(std::move(message)), file_(std::move(file)) {
  WriteIdentity(identity, context_);
  thread_ = std::thread([this, done = std::move(done)] {
    done(Run());
    ended_ = true;
  });
}

SnapshotSender::~SnapshotSender() {
  context_.TryCancel();
  thread_.join();
}

absl::Status SnapshotSender::Run() {
  const auto stub = peer::Peer::NewStub(channel_);
  const auto stream = stub->Snapshot(&context_);
  peer::SnapshotPiece piece;
  piece.set_message(raftpb::Encode(message_));
  size_t sent = 0;
  bool open = true;
  while (open) {
    absl::StatusOr<std::string> data = file_->Read(sent, kPieceBytes);
    if (!data.ok()) {
      context_.TryCancel();
      stream->Finish();
      return data.status();
    }
    sent += data->size();
    const bool last = data->empty();
    piece.set_data(*std::move(data));
    if (last) piece.set_digest(file_->digest());
    open = stream->Write(piece) && !last;
    piece.Clear();
  }
  stream->WritesDone();
  return rpc::FromGrpc(stream->Finish());
}

}  // namespace raftexample
