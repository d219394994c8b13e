#include "raftpb/wire_oracle.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/cord.h"
#include "google/protobuf/descriptor.h"

namespace raftpb {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;

template <typename Numbers>
std::vector<NodeId> Ids(const Numbers& from) {
  return std::vector<NodeId>(from.begin(), from.end());
}

}  // namespace

Entry FromGenerated(const wire::Entry& from) {
  return {.term = from.term(),
          .index = from.index(),
          .type = static_cast<EntryType>(from.type()),
          .type_is_explicit = from.has_type(),
          .data = absl::Cord(from.data())};
}

SnapshotMetadata FromGenerated(const wire::SnapshotMetadata& from) {
  return {
      .conf_state = FromGenerated(from.conf_state()), .index = from.index(), .term = from.term()};
}

Snapshot FromGenerated(const wire::Snapshot& from) {
  return {.metadata = FromGenerated(from.metadata()), .data = absl::Cord(from.data())};
}

Message FromGenerated(const wire::Message& from) {
  Message to;
  to.type = static_cast<MessageType>(from.type());
  to.to = from.to();
  to.from = from.from();
  to.term = from.term();
  to.log_term = from.logterm();
  to.index = from.index();
  for (const wire::Entry& entry : from.entries()) to.entries.PushBack(FromGenerated(entry));
  to.commit = from.commit();
  if (from.has_snapshot()) {
    to.snapshot = std::make_shared<const Snapshot>(FromGenerated(from.snapshot()));
  }
  to.reject = from.reject();
  to.reject_hint = from.rejecthint();
  to.context = absl::Cord(from.context());
  to.vote = from.vote();
  for (const wire::Message& response : from.responses()) {
    to.responses.push_back(FromGenerated(response));
  }
  return to;
}

HardState FromGenerated(const wire::HardState& from) {
  return {.term = from.term(), .vote = from.vote(), .commit = from.commit()};
}

ConfState FromGenerated(const wire::ConfState& from) {
  return {.voters = Ids(from.voters()),
          .learners = Ids(from.learners()),
          .voters_outgoing = Ids(from.voters_outgoing()),
          .learners_next = Ids(from.learners_next()),
          .auto_leave = from.auto_leave()};
}

ConfChange FromGenerated(const wire::ConfChange& from) {
  return {.id = from.id(),
          .type = static_cast<ConfChangeType>(from.type()),
          .node_id = from.node_id(),
          .context = absl::Cord(from.context())};
}

ConfChangeSingle FromGenerated(const wire::ConfChangeSingle& from) {
  return {.type = static_cast<ConfChangeType>(from.type()), .node_id = from.node_id()};
}

ConfChangeV2 FromGenerated(const wire::ConfChangeV2& from) {
  ConfChangeV2 to;
  to.transition = static_cast<ConfChangeTransition>(from.transition());
  for (const wire::ConfChangeSingle& change : from.changes()) {
    to.changes.push_back(FromGenerated(change));
  }
  to.context = absl::Cord(from.context());
  return to;
}

// --- Random messages -------------------------------------------------------------------------

namespace {

// Of every length in bits, so that every length of varint comes up.
uint64_t RandomNumber(std::mt19937_64& random) {
  const uint64_t bits = random() % 65;
  return bits == 0 ? 0 : random() >> (64 - bits);
}

std::string RandomBytes(std::mt19937_64& random) {
  static constexpr size_t kSizes[] = {0, 1, 10, 15, 16, 63, 64, 65, 127, 128, 1024, 1025, 5000};
  std::string bytes(kSizes[random() % std::size(kSizes)], '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

void SetAtRandom(std::mt19937_64& random, google::protobuf::Message& message,
                 const FieldDescriptor* field, int depth) {
  const Reflection& fields = *message.GetReflection();
  const bool repeated = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT64: {
      const uint64_t number = RandomNumber(random);
      return repeated ? fields.AddUInt64(&message, field, number)
                      : fields.SetUInt64(&message, field, number);
    }
    case FieldDescriptor::CPPTYPE_BOOL: return fields.SetBool(&message, field, random() % 2 == 0);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int i = static_cast<int>(random() % field->enum_type()->value_count());
      return fields.SetEnum(&message, field, field->enum_type()->value(i));
    }
    case FieldDescriptor::CPPTYPE_STRING:
      return fields.SetString(&message, field, RandomBytes(random));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return FillAtRandom(
          random,
          repeated ? *fields.AddMessage(&message, field) : *fields.MutableMessage(&message, field),
          depth - 1);
    default: GOOGLE_LOG(FATAL) << "the schema has no such field: " << field->full_name();
  }
}

bool IsNothing(const google::protobuf::Message& message, const FieldDescriptor* field) {
  const Reflection& fields = *message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT64: return fields.GetUInt64(message, field) == 0;
    case FieldDescriptor::CPPTYPE_BOOL: return !fields.GetBool(message, field);
    case FieldDescriptor::CPPTYPE_ENUM: return fields.GetEnumValue(message, field) == 0;
    case FieldDescriptor::CPPTYPE_STRING: return fields.GetString(message, field).empty();
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return fields.GetMessage(message, field).ByteSizeLong() == 0;
    default: return true;
  }
}

}  // namespace

void FillAtRandom(std::mt19937_64& random, google::protobuf::Message& message, int depth) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    const bool recursive = field->message_type() == message.GetDescriptor();
    if (random() % 3 == 0 || (recursive && depth <= 0)) continue;
    const uint64_t count = field->is_repeated() ? random() % (recursive ? 3 : 8) : 1;
    for (uint64_t n = 0; n < count; ++n) SetAtRandom(random, message, field, depth);
  }
}

std::string FieldPresentForNothing(const google::protobuf::Message& message) {
  const Reflection& fields = *message.GetReflection();
  std::vector<const FieldDescriptor*> present;
  fields.ListFields(message, &present);
  for (const FieldDescriptor* field : present) {
    if (!field->is_repeated() && IsNothing(message, field)) return field->full_name();
    if (field->message_type() == nullptr) continue;
    const int count = field->is_repeated() ? fields.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const std::string inner =
          FieldPresentForNothing(field->is_repeated() ? fields.GetRepeatedMessage(message, field, i)
                                                      : fields.GetMessage(message, field));
      if (!inner.empty()) return inner;
    }
  }
  return "";
}

}  // namespace raftpb
