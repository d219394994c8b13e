#include "examples/raftexample/watch/watch_event.h"

#include "google/protobuf/io/coded_stream.h"

namespace raftexample {
namespace {

using google::protobuf::io::CodedOutputStream;

// The field's number, and that its length follows.
constexpr uint32_t kEventTag = etcdserverpb::WatchResponse::kEventsFieldNumber << 3 | 2;

}  // namespace

std::shared_ptr<const WatchEvent> MakeWatchEvent(const Change& change, const Record& record,
                                                 const absl::optional<mvccpb::KeyValue>& previous) {
  mvccpb::Event event;
  event.set_type(record.deletes ? mvccpb::Event::DELETE : mvccpb::Event::PUT);
  ToKeyValue(record, change.at.main, WithValue::kYes, event.mutable_kv());
  if (previous) *event.mutable_prev_kv() = *previous;

  const uint32_t size = static_cast<uint32_t>(event.ByteSizeLong());
  uint8_t head[10];
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(kEventTag, head);
  end = CodedOutputStream::WriteVarint32ToArray(size, end);
  auto made = std::make_shared<WatchEvent>();
  made->revision = change.at.main;
  made->wire.reserve((end - head) + size);
  made->wire.append(reinterpret_cast<const char*>(head), end - head);
  event.AppendToString(&made->wire);
  return made;
}

std::string WatchOutput::Serialize() const {
  size_t size = head.ByteSizeLong();
  for (const auto& event : events) size += event->wire.size();
  std::string bytes;
  bytes.reserve(size);
  head.AppendToString(&bytes);
  for (const auto& event : events) bytes += event->wire;
  return bytes;
}

etcdserverpb::WatchResponse WatchOutput::ToProto() const {
  etcdserverpb::WatchResponse response;
  response.ParseFromString(Serialize());
  return response;
}

}  // namespace raftexample
