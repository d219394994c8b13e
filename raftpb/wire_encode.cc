#include <string>

#include "raftpb/wire.h"
#include "raftpb/wire_fields.h"
#include "raftpb/wire_writer.h"

namespace raftpb {
namespace {

template <typename T>
void Append(const T& value, std::string& out) {
  const size_t before = out.size();
  out.resize(before + WireSizer::SizeOf(value));
  WireWriter writer(out.data() + before);
  Fields(value, writer);
}

}  // namespace

void EncodeTo(const Entry& value, std::string& out) { Append(value, out); }
void EncodeTo(const Message& value, std::string& out) { Append(value, out); }
void EncodeTo(const Snapshot& value, std::string& out) { Append(value, out); }
void EncodeTo(const SnapshotMetadata& value, std::string& out) { Append(value, out); }
void EncodeTo(const HardState& value, std::string& out) { Append(value, out); }
void EncodeTo(const ConfState& value, std::string& out) { Append(value, out); }
void EncodeTo(const ConfChange& value, std::string& out) { Append(value, out); }
void EncodeTo(const ConfChangeSingle& value, std::string& out) { Append(value, out); }
void EncodeTo(const ConfChangeV2& value, std::string& out) { Append(value, out); }

size_t WireSize(const Message& value) { return WireSizer::SizeOf(value); }
size_t WireSize(const Entry& value) { return WireSizer::SizeOf(value); }

void Frame::Assign(const Message& message) {
  header_.clear();
  EncodeTo(message, header_);
  pieces_.assign(1, header_);
  size_ = header_.size();
}

}  // namespace raftpb
