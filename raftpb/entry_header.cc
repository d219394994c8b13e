#include "raftpb/entry_header.h"

namespace raftpb {

void EntryHeader::Compose(const Entry& entry) {
  term_ = entry.term;
  index_ = entry.index;
  type_ = entry.type;
  data_size_ = entry.data.size();

  char fields[kMaxSize];
  char* end = PutNumber(1, Code(type_), fields);
  end = PutNumber(2, term_, end);
  const size_t index_at = end - fields;
  end = PutNumber(3, index_, end);
  if (data_size_ > 0) end = PutLength(4, data_size_, end);
  const size_t fields_size = end - fields;

  prefix_ = PutLength(field_, fields_size + data_size_, bytes_) - bytes_;
  std::memcpy(bytes_ + prefix_, fields, fields_size);
  size_ = prefix_ + fields_size;

  low_index_at_ = index_ == 0 ? 0 : prefix_ + index_at + kTagBytes;
  low_index_ = bytes_[low_index_at_];
}

}  // namespace raftpb
